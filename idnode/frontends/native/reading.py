"""One resolution, from its message to what is answered: pure (handle-protocol.md §1.3, §1.6)."""

from typing import NamedTuple

from idnode.frontends.native.replies import Outcome, refusal
from idnode.frontends.rest.visibility import Unreadable
from idnode.model.errors import IdnodeError, NotAuthenticated
from idnode.model.handle_value import HandleValue, Permission
from idnode.model.identifier import Identifier
from idnode.registry.handle_admin import handle_of
from idnode.resolver.selection import Selection
from idnode.resolver.views import require_public
from idnode.storage.identifiers import StoredRecord
from idnode.wire.cursor import Writer
from idnode.wire.messages.bodies import HandleValues, ResolutionRequest, text_body
from idnode.wire.messages.codes import OpFlag, ResponseCode
from idnode.wire.messages.message import Message
from idnode.wire.record_json import read_record


class NativeRead(NamedTuple):
    """Which handle (`text` as asked), which of its values; `public_only` (PO) drops those that are not everyone's."""

    text: str
    identifier: Identifier
    selection: Selection
    public_only: bool
    refuses_referral: bool

    @classmethod
    def of(cls, message: Message) -> "NativeRead":
        """Raises MalformedMessage, InvalidIdentifier."""
        asked = ResolutionRequest.decode(message.body)
        flags = message.header.flags
        return cls(
            asked.handle,
            handle_of(asked.handle),
            Selection.of(asked.indexes, asked.types),
            bool(flags & OpFlag.PUBLIC_ONLY),
            bool(flags & OpFlag.DO_NOT_REFER),
        )

    def found(self, stored: StoredRecord) -> Outcome:
        """The values that everyone may have. Raises NotFound, Deleted, NotAuthenticated, Unreadable."""
        values = [value for value in read_record(require_public(stored).document).values if self.selection.takes(value)]
        if self.public_only:
            values = [value for value in values if value.is_public]
        for value in values:
            _require_public(value)
        return shown(self.text, values)

    def refused(self, error: IdnodeError) -> Outcome:
        """Why there are none."""
        if isinstance(error, Unreadable):
            return Outcome(ResponseCode.INSUFFICIENT_PERMISSION, text_body(error.detail))
        return refusal(error, refuses_referral=self.refuses_referral)


def shown(handle: str, values: list[HandleValue]) -> Outcome:
    """The values under the handle as asked; none at all is code 200."""
    if not values:
        return Outcome(ResponseCode.VALUES_NOT_FOUND, Writer().int4(0).written())
    return Outcome(ResponseCode.SUCCESS, HandleValues(handle, tuple(values)).encode())


def _require_public(value: HandleValue) -> None:
    if value.is_public:
        return
    if Permission.ADMIN_READ not in value.permissions:
        raise Unreadable(f"value {value.index} may be read by nobody")
    raise NotAuthenticated(f"value {value.index} is not public; reading it takes credentials")
