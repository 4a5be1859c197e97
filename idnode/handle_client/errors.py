"""Errors of a client, leaves of the one tree (model/errors.py).

IdnodeError
├── Unavailable
│   ├── ServerUnreachable   no answer in time, or none that came whole
│   └── RecursionStopped    too many steps, a loop, an address that is not asked
├── WrongAnswer             an answer that is not to what was asked, or not to be believed
└── ServerRefused           the server's refusal: its response code and its text
"""

from idnode.model.errors import IdnodeError, Unavailable, shown
from idnode.wire.messages.codes import ResponseCode


class ServerUnreachable(Unavailable):
    """No server gave an answer in time."""

    code = "server-unreachable"


class WrongAnswer(IdnodeError):
    """What came back does not fit: another handle or operation, expired, a signature or digest that is not right."""

    code = "wrong-answer"


class ServerRefused(IdnodeError):
    """The server answered with a response code other than success; `response_code` may be one that has no name."""

    code = "server-refused"

    def __init__(self, response_code: int, text: str = "") -> None:
        said = f": {shown(text)}" if text else ""
        super().__init__(f"the server answers with code {response_code}{_name_of(response_code)}{said}")
        self.response_code = response_code
        self.text = text


class RecursionStopped(Unavailable):
    """The way from the top node down has no end, or leads where nobody is sent (response code 6)."""

    code = "recursion-stopped"
    is_retryable = False


def _name_of(response_code: int) -> str:
    try:
        return f" ({ResponseCode(response_code).name.lower().replace('_', ' ')})"
    except ValueError:
        return ""
