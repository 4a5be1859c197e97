"""The envelope of every SNMS answer: HTTP 200 and `{"status", "message", "data"}`, in this order (snms-api.md)."""

from collections.abc import Callable
from enum import IntEnum

import orjson
from aiohttp import web

from idnode.frontends.answer import Answer
from idnode.frontends.answer import response_of as as_it_is
from idnode.frontends.problems import kind_of
from idnode.frontends.refusals import BodyTooLarge, BodyTooSlow, MediaRefused, MethodRefused, NoSuchRoute
from idnode.model.errors import (
    AlreadyRegistered,
    Conflict,
    Forbidden,
    IdempotencyMisused,
    IdnodeError,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    Unavailable,
    VersionMoved,
    shown,
)
from idnode.storage.idempotency import KeptAnswer

PATHS = ("/identity/", "/identityv2/", "/snms/")
"""What lies below these is answered in the envelope."""
CONTENT_TYPE = "application/json; charset=utf-8"
SUCCESS = "success"
NOT_LOGGED_IN = "没有登录，或登录已失效"
BUSY = "系统繁忙，请稍后重试"
FAULT = "系统内部错误"


class Status(IntEnum):
    """What `status` says."""

    OK = 1
    NOT_LOGGED_IN = -1
    REFUSED = -2
    NOT_PERMITTED = -3
    FAULT = -4


class SnmsRefusal(IdnodeError):
    """A refusal whose text is the `message` as it stands: what the API has words of its own for."""

    code = "snms-refused"


def missing(*places: str) -> SnmsRefusal:
    """The refusal of a request without a parameter, or several."""
    return SnmsRefusal(f"缺少必要的请求参数: {', '.join(places)}")


def too_long(place: str, text: str, characters_max: int) -> SnmsRefusal:
    """The refusal of a text over its limit."""
    return SnmsRefusal(f"{place} 有 {len(text)} 个字符，最多 {characters_max} 个: {shown(text)}")


def ok(data: object) -> KeptAnswer:
    """Status 1."""
    return _envelope(Status.OK, SUCCESS, data)


def failure(status: Status, message: str, data: object = None) -> KeptAnswer:
    """Any other status."""
    return _envelope(status, message, data)


def failure_of(error: IdnodeError) -> KeptAnswer:
    """Any error of the tree."""
    return failure(status_of(error), message_of(error))


def response_of(kept: KeptAnswer) -> web.Response:
    """The answer as aiohttp sends it; nobody in between is to keep it."""
    headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
    return web.Response(status=200, body=kept.body, headers=headers)


def worded(answer: Answer) -> web.Response:
    """What the boundary of all front-ends has to say (too many requests, a crash) in the envelope."""
    status = Status.FAULT if answer.status >= 500 else Status.REFUSED
    message = FAULT if answer.status >= 500 else "请求过于频繁，请稍后重试"
    return response_of(failure(status, message))


def wording(path: str) -> Callable[[Answer], web.Response]:
    """How whoever asks at this path is told what the boundary has to say."""
    return worded if path.startswith(PATHS) else as_it_is


def status_of(error: IdnodeError) -> Status:
    """-1 for who is not known, -3 for who may not, -4 for what is no fault of the request, else -2."""
    if isinstance(error, SnmsRefusal):
        return Status.REFUSED
    if isinstance(error, NotAuthenticated):
        return Status.NOT_LOGGED_IN
    if isinstance(error, Forbidden):
        return Status.NOT_PERMITTED
    return Status.FAULT if kind_of(error).status >= 500 else Status.REFUSED


def message_of(error: IdnodeError) -> str:
    """What happened, and of which value; nothing of the node's inside when the node is at fault."""
    match error:
        case SnmsRefusal():
            return error.detail
        case NotAuthenticated():
            return NOT_LOGGED_IN
        case Unavailable():
            return BUSY
        case InvalidInput(violations=violations) if (
            violations and violations[0].item and violations[0].rule == "required"
        ):
            return f"缺少模板必填项: {violations[0].item}"
    if status_of(error) is Status.FAULT:
        return FAULT
    beginning = next((words for kind, words in _WORDS if isinstance(error, kind)), "操作失败")
    return f"{beginning}: {error.detail}"


_WORDS: tuple[tuple[type[IdnodeError], str], ...] = (
    (InvalidInput, "参数不符合要求"),
    (Forbidden, "没有权限"),
    (NotFound, "没有找到"),
    (AlreadyRegistered, "已存在"),
    (Conflict, "当前状态不允许此操作"),
    (VersionMoved, "数据已被修改，请重试"),
    (IdempotencyMisused, "Idempotency-Key 已用于其他请求"),
    (NoSuchRoute, "接口不存在"),
    (MethodRefused, "不支持的请求方式"),
    (BodyTooLarge, "请求体过大"),
    (BodyTooSlow, "请求体接收超时"),
    (MediaRefused, "不支持的请求体格式"),
)
"""How the message of each kind begins; what follows is the detail, which names the value and the limit."""


def _envelope(status: Status, message: str, data: object) -> KeptAnswer:
    body = orjson.dumps({"status": int(status), "message": message, "data": data})
    return KeptAnswer(200, CONTENT_TYPE, None, None, body)
