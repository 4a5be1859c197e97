"""A change: who did what to which thing, when, under which request, and what it was before and after."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Subject(StrEnum):
    """The kinds of things that change; one log holds them all."""

    IDENTIFIER = "identifier"
    PREFIX = "prefix"
    ENTERPRISE = "enterprise"
    TEMPLATE = "template"
    KEY = "key"
    OPERATOR = "operator"
    PROFILE = "profile"
    APPLICATION = "application"
    PATTERN = "pattern"
    RANGE = "range"
    TRANSFER = "transfer"
    SNMS_USER = "snms_user"
    ENTERPRISE_APPLICATION = "enterprise_application"
    RELATION = "relation"
    SIGNING_KEY = "signing_key"


@dataclass(frozen=True, slots=True)
class Trace:
    """Who asked (a key's id or a command's name), under which request id, and when the node took it up (UTC)."""

    actor: str
    request_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the change log. `old` and `new` are JSON documents; None where there was or is nothing."""

    subject: Subject
    name: str
    version: int
    operation: str
    trace: Trace
    old: bytes | None
    new: bytes | None
