"""One public read of a record over /v1, from the identifier to the answer: pure."""

from dataclasses import dataclass

from idnode.frontends.answer import Answer
from idnode.frontends.problems import problem_answer
from idnode.frontends.v1.answers import answer_bytes, answer_of
from idnode.model.errors import IdnodeError
from idnode.model.identifier import Identifier
from idnode.resolver.views import public_document, require_public
from idnode.storage.identifiers import StoredRecord


@dataclass(frozen=True, slots=True)
class RecordRead:
    """Which record, for whoever asks without a key."""

    identifier: Identifier

    def found(self, stored: StoredRecord) -> Answer:
        """What of it everyone may see. Raises Suspended, Deleted."""
        return answer_of(answer_bytes(public_document(require_public(stored)), version=stored.version))

    def refused(self, error: IdnodeError) -> Answer:
        """Why there is none."""
        return problem_answer(error)
