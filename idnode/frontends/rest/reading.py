"""One lookup of the REST interface, from its parameters to the answer: pure (handle-protocol.md §2)."""

from dataclasses import dataclass

from idnode.frontends.answer import Answer
from idnode.frontends.rest.parameters import Lookup, Pairs, Presentation
from idnode.frontends.rest.replies import Reply, refusal_reply, rendered, values_reply
from idnode.frontends.rest.visibility import Asker, View
from idnode.model.errors import Elsewhere, IdnodeError, NotResponsible
from idnode.model.identifier import Identifier
from idnode.registry.handle_admin import handle_of
from idnode.resolver.views import require_public
from idnode.storage.identifiers import StoredRecord

PREFIX_HANDLES = "0.NA"

_EVERYTHING = Lookup.of(())
_PLAIN = Presentation.of(())


@dataclass(frozen=True, slots=True)
class HandleRead:
    """Which handle (`text` as asked), which of its values, in which form."""

    text: str
    identifier: Identifier
    lookup: Lookup
    presentation: Presentation

    @classmethod
    def of(cls, text: str, pairs: Pairs) -> "HandleRead":
        """Raises InvalidIdentifier, InvalidInput."""
        identifier = handle_of(text)
        if not pairs:
            return cls(text, identifier, _EVERYTHING, _PLAIN)
        return cls(text, identifier, Lookup.of(pairs), Presentation.of(pairs))

    def reply(self, stored: StoredRecord, asker: Asker) -> Reply:
        """The values that are asked for. Raises NotFound, Deleted, NotAuthenticated, Forbidden, Unreadable."""
        view = View.of(self.lookup.selection, self.lookup.public_only, asker)
        values = view.values_json(require_public(stored))
        return values_reply(self.text, values, etag=view.etag(stored.version))

    def refusal(self, error: IdnodeError) -> Reply:
        """Why there are none."""
        if isinstance(error, Elsewhere) and self.lookup.refuses_referral:
            error = NotResponsible(error.detail)
        return refusal_reply(error, self.text)

    def found(self, stored: StoredRecord) -> Answer:
        """What everyone is answered. Raises as `reply` does."""
        return rendered(self.reply(stored, Asker.ANONYMOUS), self.presentation)

    def refused(self, error: IdnodeError) -> Answer:
        """The same when there is nothing."""
        return rendered(self.refusal(error), self.presentation)
