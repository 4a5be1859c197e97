"""An answer before it is sent: the same headers in the same order by whichever way it goes out."""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import web

SERVER = "idnode"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, the headers that belong to it in the order in which they are sent, and the body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def response_of(answer: Answer) -> web.Response:
    """The way of aiohttp, which adds Content-Length."""
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


def bytes_of(answer: Answer) -> bytes:
    """The way of the connection front: what follows status line, Date and Server, which `beginning_of` makes."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in answer.headers])
    return f"{lines}Content-Length: {len(answer.body)}\r\n\r\n".encode("latin-1") + answer.body


class HttpDate:
    """The Date of answers (RFC 9110 §5.6.7), made once a second. `time` gives the seconds since 1970."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._second = -1
        self._text = ""

    def text(self) -> str:
        """The present second."""
        second = int(self._time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True)
        return self._text


def beginning_of(status: int, date: str) -> bytes:
    """The lines that every answer begins with."""
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nDate: {date}\r\nServer: {SERVER}\r\n".encode()
