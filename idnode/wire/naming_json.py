"""Patterns, ranges and transfers as JSON: what /v1 shows and the change log keeps."""

from collections.abc import Iterable, Mapping

from idnode.model.mint import MintPattern, MintRange
from idnode.model.transfer import Act, Step, Transfer
from idnode.wire.instants import instant_of, instant_text


def pattern_document(pattern: MintPattern) -> dict[str, object]:
    """A pattern that suffixes are minted from."""
    return {
        "id": str(pattern.id),
        "prefix": pattern.prefix.text,
        "name": pattern.name,
        "pattern": pattern.pattern.text,
        "gapless": pattern.is_gapless,
        "restart": pattern.restart,
        "first": pattern.first,
        "state": pattern.state,
        "version": pattern.version,
        "created": instant_text(pattern.created),
        "updated": instant_text(pattern.updated),
    }


def range_document(reserved: MintRange) -> dict[str, object]:
    """A range; `first` and `last` are suffixes."""
    return {
        "id": str(reserved.id),
        "pattern": str(reserved.pattern.id),
        "prefix": reserved.pattern.prefix.text,
        "line": reserved.line,
        "size": reserved.size,
        "first": reserved.suffix(0),
        "last": reserved.suffix(reserved.size - 1),
        "state": reserved.state,
        "used": reserved.used,
        "version": reserved.version,
        "created": instant_text(reserved.created),
        "updated": instant_text(reserved.updated),
    }


def transfer_document(transfer: Transfer, *, with_identifiers: bool = True) -> dict[str, object]:
    """A transfer with its history. A list of many does without their identifiers, of which there may be thousands."""
    document: dict[str, object] = {
        "id": str(transfer.id),
        "kind": transfer.kind,
        "prefix": None if transfer.prefix is None else transfer.prefix.text,
        "count": len(transfer.identifiers),
        "giver": str(transfer.giver),
        "receiver": str(transfer.receiver),
        "state": transfer.state,
        "steps": steps_document(transfer.steps),
        "expires": instant_text(transfer.expires),
        "version": transfer.version,
        "created": instant_text(transfer.created),
        "updated": instant_text(transfer.updated),
    }
    if with_identifiers:
        document["identifiers"] = [identifier.text for identifier in transfer.identifiers]
    return document


def steps_document(steps: Iterable[Step]) -> list[dict[str, object]]:
    """Who did what, when, with which note."""
    return [
        {"act": step.act, "at": instant_text(step.at), "actor": step.actor, "role": step.role, "note": step.note}
        for step in steps
    ]


def read_steps(documents: Iterable[Mapping[str, str]]) -> tuple[Step, ...]:
    """The inverse, for documents that this module has written."""
    return tuple(
        Step(Act(each["act"]), instant_of(each["at"]), each["actor"], each["role"], each["note"]) for each in documents
    )
