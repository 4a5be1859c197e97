"""Construction seeds: buildings of 18 floors with 40 precast components each, the latest floor poured a month ago."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from idnode.registry.seeds.codes import ifc_globalid
from idnode.registry.seeds.product import Draft

BUILDINGS_PER_PROJECT = 6
FLOORS_PER_BUILDING = 18
_TOP_FLOOR_DAYS_AGO = 30
_BUILDING_DAYS = 20
_FLOOR_DAYS = 6
_DESIGN_LIFE = timedelta(days=18_262)
_CONCRETE_KG_PER_CUBIC_METRE = 2_500


@dataclass(frozen=True, slots=True)
class _Component:
    kind: str
    mark: str
    per_floor: int
    grade: str
    rebar: str
    sizes_mm: tuple[int, int, int]


_COMPONENTS = (
    _Component("叠合板", "DBS", 16, "C30", "HRB400E 直径8 间距150", (3_620, 2_400, 60)),
    _Component("预制剪力墙", "YNQ", 10, "C40", "HRB400E 直径12 间距200", (3_000, 2_800, 200)),
    _Component("预制柱", "YZ", 6, "C50", "HRB500E 直径25 共8根", (600, 600, 2_750)),
    _Component("叠合梁", "DHL", 4, "C35", "HRB400E 直径20 共4根", (5_400, 300, 500)),
    _Component("预制楼梯", "YT", 2, "C30", "HRB400E 直径10 间距150", (2_880, 1_200, 160)),
    _Component("预制阳台板", "YYT", 2, "C30", "HRB400E 直径10 间距150", (3_000, 1_400, 130)),
)


@dataclass(frozen=True, slots=True)
class _Place:
    project: int
    building: int
    floor: int
    poured: date


def construction_drafts(rng: Random, today: date) -> Iterator[Draft]:
    """Components without end, building by building and floor by floor, all shipped before `today`."""
    for building in count():
        # Two buildings grow at a time.
        topped = today - timedelta(days=_TOP_FLOOR_DAYS_AGO + building // 2 * _BUILDING_DAYS)
        project, number = divmod(building, BUILDINGS_PER_PROJECT)
        for floor in range(1, FLOORS_PER_BUILDING + 1):
            poured = topped - timedelta(days=(FLOORS_PER_BUILDING - floor) * _FLOOR_DAYS)
            yield from _floor(rng, _Place(project + 1, number + 1, floor, poured))


def _floor(rng: Random, place: _Place) -> Iterator[Draft]:
    for component in _COMPONENTS:
        for number in range(1, component.per_floor + 1):
            mark = f"{component.mark}{number:02}"
            yield Draft(
                suffix=f"XC{place.project:02}-{place.building:02}-{place.floor:02}F-{mark}",
                product_type="预制混凝土构件",
                product_name=f"{component.kind} {mark}",
                produced=place.poured,
                valid_until=place.poured + _DESIGN_LIFE,
                industry_code="C3022",
                attributes=_located(component, mark, number, place) | _made(rng, component, place.poured),
            )


def _located(component: _Component, mark: str, number: int, place: _Place) -> dict[str, object]:
    across, along = number % 8 + 1, "ABCDEFGH"[number // 8]
    return {
        "component_type": component.kind,
        "component_mark": mark,
        "project": f"示例新城第{place.project}期",
        "building": f"{place.building}号楼",
        "floor": place.floor,
        "axis": f"{across}-{across + 1}/{along}",
    }


def _made(rng: Random, component: _Component, poured: date) -> dict[str, object]:
    cured = poured + timedelta(days=rng.randint(7, 14))
    length, width, thickness = component.sizes_mm
    return {
        "concrete_grade": component.grade,
        "rebar": component.rebar,
        "poured_on": poured.isoformat(),
        "cured_on": cured.isoformat(),
        "shipped_on": (cured + timedelta(days=rng.randint(2, 12))).isoformat(),
        "inspection_result": "返修后合格" if rng.random() < 0.02 else "合格",
        "inspection_report": f"JC{cured:%y%m%d}-{rng.randint(1, 999):03}",
        "ifc_globalid": ifc_globalid(rng),
        "length": length,
        "width": width,
        "thickness": thickness,
        "mass": round(length * width * thickness * _CONCRETE_KG_PER_CUBIC_METRE / 1e9, 1),
    }
