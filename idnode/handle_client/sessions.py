"""A session as the client has it: its messages carry MACs, and are encrypted if that is wanted (§1.9); pure."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from idnode.handle_client.errors import WrongAnswer
from idnode.wire.messages.codes import OpFlag
from idnode.wire.messages.credential import MAC, Credential, signed_bytes
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope
from idnode.wire.messages.header import Header
from idnode.wire.messages.message import Message, read_content, read_message, write_message
from idnode.wire.session_crypto import IV_BYTES, MAC_ALGORITHM, decrypted, encrypted, mac_of


@dataclass(slots=True)
class ClientSession:
    """`counter` rises with each message; `encrypts` hides what is asked and what is answered."""

    id: int
    key: bytes = field(repr=False)
    encrypts: bool
    counter: int = 0

    def sealed(self, envelope: Envelope, header: Header, body: bytes, random: Callable[[int], bytes]) -> bytes:
        """A request of the session in bytes."""
        self.counter += 1
        mac = mac_of(self.key, signed_bytes(envelope, self.counter, header.encode() + body))
        message = write_message(envelope, header, body, Credential(self.counter, MAC, MAC_ALGORITHM, mac).encode())
        if not self.encrypts:
            return message
        content = encrypted(self.key, message[ENVELOPE_BYTES:], random(IV_BYTES))
        return envelope._replace(is_encrypted=True, size=len(content)).encode() + content

    def opened(self, data: bytes) -> Message:
        """An answer. Raises WrongAnswer where one that is to be certain is not, MalformedMessage."""
        envelope = Envelope.decode(data)
        if not envelope.is_encrypted:
            message = read_message(data)
        else:
            content = decrypted(self.key, data[ENVELOPE_BYTES:])
            message = read_content(envelope._replace(is_encrypted=False, size=len(content)), content)
        # A refusal of a session that the server does not know (any more) cannot carry its MAC.
        if message.header.flags & OpFlag.CERTIFY and (message.credential or message.header.response_code == 1):
            self._require_genuine(message)
        return message

    def _require_genuine(self, message: Message) -> None:
        if not message.credential:
            raise WrongAnswer("the answer does not carry the MAC of the session")
        credential = Credential.decode(message.credential)
        expected = mac_of(self.key, signed_bytes(message.envelope, credential.counter, message.header_and_body))
        if credential.type != MAC or not hmac.compare_digest(expected, credential.signature):
            raise WrongAnswer("the MAC of the answer is not that of the session")
