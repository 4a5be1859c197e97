"""Relations as JSON: as the change log names and keeps them."""

import orjson

from idnode.model.relation import Relation


def relation_name(relation: Relation) -> str:
    """How the change log calls a relation: its key as a JSON array, which no identifier can be mistaken for."""
    return orjson.dumps(relation.key).decode()


def relation_document(relation: Relation) -> dict[str, str]:
    """The relation as /v1 shows it and the change log keeps it."""
    return {"subject": relation.subject.text, "kind": relation.kind, "object": relation.object.text}
