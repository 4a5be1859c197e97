"""Textile seeds: dye lots of ten rolls, six lots a day, going back from the day before `today`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from idnode.registry.seeds.product import Draft

ROLLS_PER_LOT = 10
LOTS_PER_DAY = 6
_KEEPS = timedelta(days=1_826)
_COLOURS = ("本白", "漂白", "藏青", "炭灰", "驼色", "墨绿", "酒红", "雾蓝")
_FASTNESS = ("3-4", "4", "4-5")


@dataclass(frozen=True, slots=True)
class _Fabric:
    name: str
    kind: str
    industry_code: str
    fibres: tuple[tuple[str, int], ...]
    yarn_counts: tuple[float, float]
    yarn_count_unit: str
    twist: str
    densities: tuple[int, int]
    width: int
    mass: int
    code: str | None = None
    """GB/T 22970-2010 codes fabrics of man-made fibre only."""


_FABRICS = (
    _Fabric(
        name="纯棉贡缎",
        kind="棉织物",
        industry_code="C1713",
        fibres=(("棉", 100),),
        yarn_counts=(60, 40),
        yarn_count_unit="Ne",
        twist="Z",
        densities=(681, 472),
        width=250,
        mass=132,
    ),
    _Fabric(
        name="涤棉府绸",
        kind="混纺织物",
        industry_code="C1713",
        fibres=(("聚酯纤维", 65), ("棉", 35)),
        yarn_counts=(13.1, 13.1),
        yarn_count_unit="tex",
        twist="Z",
        densities=(524, 283),
        width=150,
        mass=112,
        code="99010000000000101",
    ),
    _Fabric(
        name="精纺毛弹哔叽",
        kind="毛织物",
        industry_code="C1723",
        fibres=(("羊毛", 70), ("聚酯纤维", 26), ("聚氨酯弹性纤维", 4)),
        yarn_counts=(16.7, 16.7),
        yarn_count_unit="tex",
        twist="S",
        densities=(402, 335),
        width=154,
        mass=265,
    ),
    _Fabric(
        name="真丝双绉",
        kind="丝织物",
        industry_code="C1743",
        fibres=(("桑蚕丝", 100),),
        yarn_counts=(4.4, 6.7),
        yarn_count_unit="tex",
        twist="S",
        densities=(620, 400),
        width=140,
        mass=66,
    ),
    _Fabric(
        name="锦氨四面弹",
        kind="化纤织物",
        industry_code="C1752",
        fibres=(("聚酰胺纤维", 82), ("聚氨酯弹性纤维", 18)),
        yarn_counts=(7.8, 7.8),
        yarn_count_unit="tex",
        twist="S",
        densities=(512, 409),
        width=145,
        mass=178,
        code="99020000000000207",
    ),
)


def textile_drafts(rng: Random, today: date) -> Iterator[Draft]:
    """Rolls without end, all made before `today`."""
    for lot in count():
        produced = today - timedelta(days=1 + lot // LOTS_PER_DAY)
        lot_number = f"{produced:%y%m%d}{lot % LOTS_PER_DAY + 1:02}"
        fabric = _FABRICS[lot % len(_FABRICS)]
        dyed = _dyed(rng, fabric, lot_number)
        for roll in range(1, ROLLS_PER_LOT + 1):
            yield Draft(
                suffix=f"DL{lot_number}-R{roll:03}",
                product_type=fabric.kind,
                product_name=fabric.name,
                produced=produced,
                valid_until=produced + _KEEPS,
                industry_code=fabric.industry_code,
                attributes=dyed | _rolled(rng, fabric, roll),
            )


def _dyed(rng: Random, fabric: _Fabric, lot_number: str) -> dict[str, object]:
    """What all rolls of a lot share."""
    shared: dict[str, object] = {
        "fibre_composition": _composition(rng, fabric.fibres),
        "warp_yarn_count": fabric.yarn_counts[0],
        "weft_yarn_count": fabric.yarn_counts[1],
        "yarn_count_unit": fabric.yarn_count_unit,
        "twist_direction": fabric.twist,
        "warp_density": fabric.densities[0],
        "weft_density": fabric.densities[1],
        "dye_lot": f"DL{lot_number}",
        "colour": rng.choice(_COLOURS),
        "colour_fastness_washing": rng.choice(_FASTNESS),
        "colour_fastness_rubbing": rng.choice(_FASTNESS),
        "colour_fastness_light": rng.randint(4, 6),
        "mass_per_area": fabric.mass + rng.randint(-2, 2),
    }
    if fabric.code is not None:
        shared["fabric_code"] = fabric.code
    return shared


def _rolled(rng: Random, fabric: _Fabric, roll: int) -> dict[str, object]:
    return {
        "roll_number": f"R{roll:03}",
        "width": fabric.width,
        "length": rng.randint(800, 1_200) / 10,
        "grade": rng.choices(("优等品", "一等品", "合格品"), (70, 25, 5))[0],
    }


def _composition(rng: Random, fibres: tuple[tuple[str, int], ...]) -> list[dict[str, object]]:
    """The fabric's fibres, with up to two points moved between the first and the second."""
    shares = dict(fibres)
    if len(fibres) > 1:
        (first, _), (second, _), *_ = fibres
        moved = rng.randint(-2, 2)
        shares[first] += moved
        shares[second] -= moved
    return [{"fibre": fibre, "percent": percent} for fibre, percent in shares.items()]
