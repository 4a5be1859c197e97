"""GB/T 4754-2017 industry codes at four levels: section, division, group, class (门类, 大类, 中类, 小类)."""

import re
from dataclasses import dataclass

_SECTION_OF_DIVISION = {
    section: range(first, last + 1)
    for section, first, last in (
        ("A", 1, 5),
        ("B", 6, 12),
        ("C", 13, 43),
        ("D", 44, 46),
        ("E", 47, 50),
        ("F", 51, 52),
        ("G", 53, 60),
        ("H", 61, 62),
        ("I", 63, 65),
        ("J", 66, 69),
        ("K", 70, 70),
        ("L", 71, 72),
        ("M", 73, 75),
        ("N", 76, 79),
        ("O", 80, 82),
        ("P", 83, 83),
        ("Q", 84, 85),
        ("R", 86, 90),
        ("S", 91, 96),
        ("T", 97, 97),
    )
}
_SHAPE = re.compile(r"([A-T])(?:([0-9]{2})([0-9])?([0-9])?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Industry:
    """A place in the tree, as deep as the code goes: `C1711` is section C, division 17, group 171, class 1711."""

    code: str

    @classmethod
    def problem_of(cls, code: str) -> str | None:
        """Why `code` is no place in the tree, or None."""
        match = _SHAPE.fullmatch(code)
        if match is None:
            return "is not a section letter A-T followed by 0, 2, 3 or 4 digits, such as C1711"
        section, division = match[1], match[2]
        if division is None or int(division) in _SECTION_OF_DIVISION[section]:
            return None
        owner = next((s for s, divisions in _SECTION_OF_DIVISION.items() if int(division) in divisions), None)
        lies = f"lies under section {owner}" if owner else "does not exist"
        return f"division {division} {lies}, not under {section}"

    @property
    def levels(self) -> tuple[str, ...]:
        """The codes from section to class, as many as are known: ("C", "17", "171", "1711")."""
        digits = self.code[1:]
        return (self.code[0], *(digits[:size] for size in (2, 3, 4) if len(digits) >= size))
