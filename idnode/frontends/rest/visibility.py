"""Which of a record's values an answer shows, and to whom: pure (handle-protocol.md §1.6, "Resolution")."""

from dataclasses import dataclass
from enum import Enum, auto

from idnode.model.errors import Forbidden, NotAuthenticated
from idnode.model.handle_value import HandleValue, Permission
from idnode.resolver.selection import Selection
from idnode.storage.identifiers import StoredRecord
from idnode.wire.handle_json import values_to_json
from idnode.wire.record_json import read_record


class Asker(Enum):
    """Who asks: nobody known, the key of somebody else, the owner's key."""

    ANONYMOUS = auto()
    STRANGER = auto()
    OWNER = auto()


class Unreadable(Forbidden):
    """A value that neither the public nor its administrators may read was asked for (Handle response code 401)."""

    code = "unreadable"


@dataclass(frozen=True, slots=True)
class View:
    """Which values are wanted (`public_only` drops those that the public may not read) and who wants them."""

    selection: Selection
    public_only: bool
    asker: Asker

    @classmethod
    def of(cls, selection: Selection, public_only: bool | None, asker: Asker) -> "View":
        """Unless the request says so, its credentials decide: `publicOnly` is false for the owner (§2)."""
        return cls(selection, asker is not Asker.OWNER if public_only is None else public_only, asker)

    def etag(self, version: int) -> str:
        """Strong: the target names the selection, so that version and the reach of the view say the rest."""
        return f'"{version}"' if self.public_only else f'"{version}-all"'

    def values_json(self, stored: StoredRecord) -> bytes:
        """The JSON array of the values. Raises NotAuthenticated, Forbidden, Unreadable."""
        if self.selection.is_everything and stored.is_public:
            return stored.values_json
        values = [value for value in read_record(stored.document).values if self.selection.takes(value)]
        if self.public_only:
            values = [value for value in values if value.is_public]
        for value in values:
            self._require_readable(value)
        return values_to_json(values)

    def _require_readable(self, value: HandleValue) -> None:
        if value.is_public:
            return
        if Permission.ADMIN_READ not in value.permissions:
            raise Unreadable(f"value {value.index} may be read by nobody; ask with publicOnly=true")
        if self.asker is Asker.ANONYMOUS:
            raise NotAuthenticated(f"value {value.index} is not public; reading it takes credentials")
        if self.asker is Asker.STRANGER:
            raise Forbidden(f"value {value.index} is not public and the prefix is outside this key's scope")
