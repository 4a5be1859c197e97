"""What a request target asks for, if it is one of those that the connection front answers itself: pure."""

import re
from dataclasses import dataclass
from typing import Protocol

from idnode.frontends.answer import Answer
from idnode.frontends.rest.parameters import Pairs, is_flag_set
from idnode.frontends.rest.proxy import ProxyRead
from idnode.frontends.rest.reading import PREFIX_HANDLES, HandleRead
from idnode.frontends.targets import decode_percent
from idnode.frontends.v1.reading import RecordRead
from idnode.model.errors import IdnodeError, InvalidInput
from idnode.model.identifier import Identifier
from idnode.storage.identifiers import StoredRecord

HANDLES = b"/api/handles/"
RECORDS = b"/v1/identifiers/"
TARGET_BYTES_MAX = 8_190
"""What aiohttp takes."""
KNOWN_PARAMETERS = frozenset({"index", "type", "auth", "cert", "doNotRefer", "pretty", "publicOnly", "noredirect"})
"""Without `callback`, which takes any text: nobody is to fill the cache with spellings of one identifier."""

# Visible ASCII without `#`. What is spelled otherwise is aiohttp's to answer or to refuse.
_TARGET = re.compile(rb'/[!"$-~]*')
_QUERY = re.compile(r"[A-Za-z0-9_.~=&-]*", re.ASCII)
# A first segment of digits and dots is a prefix, and no route of ours begins with a digit.
_PROXY = re.compile(rb"/[0-9][0-9.]*/")


class Read(Protocol):
    """One of the three kinds of read."""

    @property
    def identifier(self) -> Identifier:
        """Of which identifier."""

    def found(self, stored: StoredRecord) -> Answer:
        """The answer when there is a record; raises what `refused` takes."""

    def refused(self, error: IdnodeError) -> Answer:
        """The answer when there is none."""


@dataclass(frozen=True, slots=True)
class Question:
    """A read, the name of its route, and whether its answer may be kept under this spelling."""

    read: Read
    route: str
    is_kept: bool


def question_of(target: bytes) -> Question | None:
    """The question, or None for what is not answered here: another route, an odd spelling, an error to be explained."""
    if len(target) > TARGET_BYTES_MAX or _TARGET.fullmatch(target) is None:
        return None
    path, mark, query = target.decode("ascii").partition("?")
    if _QUERY.fullmatch(query) is None:
        return None
    try:
        if target.startswith(HANDLES):
            pairs = _pairs(query)
            read = HandleRead.of(_decoded(path, len(HANDLES)), pairs)
            # What may be refused to the public takes TLS into account; a prefix's own record takes the directory.
            if read.lookup.public_only is False or read.identifier.prefix.folded == PREFIX_HANDLES:
                return None
            return Question(read, "handle-rest", _are_known(pairs))
        if target.startswith(RECORDS):
            # Its parameters ask for other things, or are refused.
            return None if mark else Question(RecordRead(_identifier(path, len(RECORDS))), "read_identifier", True)
        if _PROXY.match(target):
            pairs = _pairs(query)
            wants_page = is_flag_set(next((text for name, text in pairs if name == "noredirect"), None))
            return Question(ProxyRead(_identifier(path, 1), wants_page), "proxy", _are_known(pairs))
    except InvalidInput:
        return None
    return None


def _identifier(path: str, begin: int) -> Identifier:
    return Identifier.parse(_decoded(path, begin))


def _decoded(path: str, begin: int) -> str:
    text = path[begin:]
    return decode_percent(text) if "%" in text else text


def _pairs(query: str) -> Pairs:
    if not query:
        return ()
    parts = (part.partition("=") for part in query.split("&") if part)
    return [(name, text) for name, _, text in parts]


def _are_known(pairs: Pairs) -> bool:
    return all(name in KNOWN_PARAMETERS for name, _ in pairs)
