"""Shipbuilding seeds: per hull one ship, 21 blocks, three plates a block and 15 pieces of equipment: 100 records."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from idnode.registry.seeds.codes import container_number, imo_number, uscc_code
from idnode.registry.seeds.product import Draft

PLATES_PER_BLOCK = 3
EQUIPMENT_PER_HULL = 15
_HULLS_AT_A_TIME = 12
_LAUNCH_DAYS = 30
_LATEST_DAYS_AGO = 20
_CERTIFIED = timedelta(days=1_826)
_SHIPS = ("散货船", "集装箱船", "油船", "海洋工程支持船")
_SOCIETIES = ("CCS", "DNV", "ABS", "LR")
_SECTIONS = ("艉部分段", "机舱分段", "双层底分段", "舷侧分段", "甲板分段", "横舱壁分段", "艏部分段")
BLOCKS_PER_HULL = 3 * len(_SECTIONS)
_STEEL = (("AH32", 12), ("AH36", 16), ("DH36", 20), ("EH36", 25), ("A", 10), ("B", 14))
_WELD_PROCEDURES = ("WPS-SAW-01", "WPS-FCAW-02", "WPS-GMAW-03")
_OUTCOMES = ("合格", "返修后合格")


@dataclass(frozen=True, slots=True)
class _Supplier:
    name: str
    brand: str
    number: int

    def core(self) -> dict[str, object]:
        """The maker in the product core, in place of the yard."""
        return {"manufacturer": self.name, "manufacturer_uscc": uscc_code(self.number), "brand": self.brand}


_STEELWORKS = _Supplier("示例钢铁有限公司", "示钢", 101)
_ENGINE_WORKS = _Supplier("示例船用动力有限公司", "示力", 102)
_PUMP_WORKS = _Supplier("示例船用泵业有限公司", "示泵", 103)
_DECK_WORKS = _Supplier("示例甲板机械有限公司", "示械", 104)
_MACHINES = (
    ("主机", "ME", _ENGINE_WORKS, "SLD6-50"),
    ("发电机组", "GE", _ENGINE_WORKS, "SLG-800"),
    ("压载泵", "BP", _PUMP_WORKS, "SLB-350"),
    ("锚绞机", "WD", _DECK_WORKS, "SLM-56"),
    ("舵机", "SG", _DECK_WORKS, "SLS-160"),
)


@dataclass(frozen=True, slots=True)
class _Hull:
    index: int
    launched: date
    society: str

    @property
    def number(self) -> str:
        return f"SL{1001 + self.index}"

    def certified(self, kind: str, number: int) -> dict[str, object]:
        """What every certified part of this hull says."""
        certificate = f"{self.society}-{self.number}-{kind}{number:03}"
        return {"hull_number": self.number, "class_society": self.society, "class_certificate": certificate}


def shipbuilding_drafts(rng: Random, today: date) -> Iterator[Draft]:
    """Hulls with their parts, without end, all launched before `today`."""
    for index in count():
        days_ago = _LATEST_DAYS_AGO + index // _HULLS_AT_A_TIME * _LAUNCH_DAYS
        hull = _Hull(index, today - timedelta(days=days_ago), _SOCIETIES[index % len(_SOCIETIES)])
        yield _ship(hull)
        for block in range(BLOCKS_PER_HULL):
            yield from _block_with_plates(rng, hull, block)
        for machine in range(EQUIPMENT_PER_HULL):
            yield _equipment(rng, hull, machine)


def _ship(hull: _Hull) -> Draft:
    kind = _SHIPS[hull.index % len(_SHIPS)]
    imo = {"imo_number": imo_number(hull.index)}
    return _draft(
        hull.number, "船舶", f"示例{kind} {hull.number}", hull.launched, "C3731", hull.certified("H", 1) | imo
    )


def _block_with_plates(rng: Random, hull: _Hull, block: int) -> Iterator[Draft]:
    section, number = _SECTIONS[block % len(_SECTIONS)], f"B{101 + block}"
    grade, thickness = _STEEL[block % len(_STEEL)]
    welded = hull.launched - timedelta(days=60 + 4 * block)
    rolled = welded - timedelta(days=rng.randint(30, 60))
    suffix = f"{hull.number}-{number}"
    part = {"imo_number": imo_number(hull.index), "block_number": number, "steel_grade": grade}
    block_attributes = hull.certified("B", block + 1) | part | _welds(rng)
    yield _draft(suffix, "船体分段", f"{section} {number}", welded, "C3731", block_attributes)
    for plate in range(1, PLATES_PER_BLOCK + 1):
        heat = f"{rolled:%y}A{rng.randint(0, 99_999):05}-{plate:02}"
        own = {"plate_heat_number": heat, "plate_thickness": thickness}
        attributes = hull.certified("P", block * PLATES_PER_BLOCK + plate) | part | own | _STEELWORKS.core()
        yield _draft(f"{suffix}-P{plate:02}", "船用钢板", f"船用钢板 {grade}", rolled, "C3130", attributes)


def _welds(rng: Random) -> dict[str, object]:
    return {
        "weld_procedure": rng.choice(_WELD_PROCEDURES),
        "weld_result": rng.choices(_OUTCOMES, (19, 1))[0],
        "ndt_method": rng.choice(("RT", "UT", "MT")),
        "ndt_result": rng.choices(_OUTCOMES, (19, 1))[0],
    }


def _equipment(rng: Random, hull: _Hull, machine: int) -> Draft:
    name, mark, supplier, model = _MACHINES[machine % len(_MACHINES)]
    unit = machine // len(_MACHINES) + 1
    made = hull.launched - timedelta(days=rng.randint(30, 120))
    attributes = hull.certified("E", machine + 1) | supplier.core()
    attributes |= {
        "imo_number": imo_number(hull.index),
        "equipment_maker": supplier.name,
        "equipment_model": model,
        "equipment_serial": f"{mark}{made:%y%m}{rng.randint(1, 9_999):04}",
        "container_number": container_number(hull.index * EQUIPMENT_PER_HULL + machine),
    }
    return _draft(f"{hull.number}-{mark}{unit:02}", "船用设备", f"{name} {model}", made, "C3734", attributes)


def _draft(suffix: str, kind: str, name: str, produced: date, industry: str, attributes: dict[str, object]) -> Draft:
    return Draft(suffix, kind, name, produced, produced + _CERTIFIED, industry, attributes)
