"""Which values of a record are asked for: pure (RFC 3652 §3.2; handle-protocol.md §1.3)."""

from collections.abc import Iterable
from dataclasses import dataclass

from idnode.model.handle_value import HandleValue
from idnode.model.identifier import fold


@dataclass(frozen=True, slots=True)
class Selection:
    """The union of indexes and types, all when there are none. Types are folded; ending in a dot: a beginning."""

    indexes: frozenset[int] = frozenset()
    types: frozenset[str] = frozenset()
    type_beginnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, indexes: Iterable[int], types: Iterable[str]) -> "Selection":
        """As they are asked for."""
        folded = frozenset(fold(text) for text in types)
        return cls(frozenset(indexes), folded, tuple(text for text in folded if text.endswith(".")))

    @property
    def is_everything(self) -> bool:
        """Nothing narrows the record."""
        return not self.indexes and not self.types

    def takes(self, value: HandleValue) -> bool:
        """Whether the value is asked for."""
        if self.is_everything or value.index in self.indexes:
            return True
        folded = fold(value.type)
        return folded in self.types or folded.startswith(self.type_beginnings)
