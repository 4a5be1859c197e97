"""Electronics seeds: lots of ten devices, twelve lots an ISO week, going back from last week."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from idnode.registry.seeds.codes import gtin13, imei, mac_address
from idnode.registry.seeds.product import Draft

DEVICES_PER_LOT = 10
LOTS_PER_WEEK = 12
_WORKDAYS = 5
_LICENCE = "00-0000-{:06}"
"""In the form of a 进网许可证号, with zeros for the office."""


@dataclass(frozen=True, slots=True)
class _Model:
    name: str
    kind: str
    model: str
    class_code: str
    industry_code: str
    purpose: str
    has_modem: bool
    has_licence: bool
    safe_years: int
    """环保使用期限 (SJ/T 11364)."""


_MODELS = (
    _Model("工业5G网关", "工业网关", "SLG-500", "010203", "C3922", "工业现场联网", True, True, 10),
    _Model("手持数据终端", "移动终端", "SLT-20", "010301", "C3922", "仓储与巡检", True, True, 10),
    _Model("工业以太网交换机", "交换机", "SLS-24", "010205", "C3921", "车间组网", False, True, 20),
    _Model("窄带物联网模组", "通信模组", "SLM-8", "020104", "C3922", "表计与传感", True, True, 20),
    _Model("温湿度传感器", "传感器", "SLH-3", "020402", "C3983", "环境监测", False, False, 10),
)


def electronics_drafts(rng: Random, today: date) -> Iterator[Draft]:
    """Devices without end, all made before `today`; no two share date code and sequence within a century."""
    this_monday = today - timedelta(days=today.weekday())
    for lot in count():
        week, number = divmod(lot, LOTS_PER_WEEK)
        made = this_monday - timedelta(weeks=week + 1) + timedelta(days=number % _WORKDAYS)
        for place in range(DEVICES_PER_LOT):
            yield _device(rng, lot, place, made)


def _device(rng: Random, lot: int, place: int, made: date) -> Draft:
    kind, lot_of_week = lot % len(_MODELS), lot % LOTS_PER_WEEK
    model = _MODELS[kind]
    iso = made.isocalendar()
    date_code = f"{iso.year % 100:02}{iso.week:02}"
    sequence = f"{lot_of_week * DEVICES_PER_LOT + place + 1:05}"
    marks: dict[str, object] = {
        "date_code": date_code,
        "sequence": sequence,
        "serial_number": f"{date_code}{sequence}",
        "lot": f"L{date_code}-{lot_of_week + 1:02}",
    }
    return Draft(
        suffix=f"{model.model.replace('-', '')}-{date_code}-{sequence}",
        product_type=model.kind,
        product_name=model.name,
        produced=made,
        valid_until=made + timedelta(days=365 * model.safe_years),
        industry_code=model.industry_code,
        attributes=_of_model(kind) | marks | _on_the_network(rng, kind, lot * DEVICES_PER_LOT + place + 1),
    )


def _of_model(kind: int) -> dict[str, object]:
    model = _MODELS[kind]
    return {
        "terminal_type": model.kind,
        "purpose": model.purpose,
        "class_code": model.class_code,
        "model": model.model,
        "gtin": gtin13(kind + 1),
    }


def _on_the_network(rng: Random, kind: int, device: int) -> dict[str, object]:
    """MAC for all, IMEI for those with a modem, licence and scramble code for those that need a licence."""
    numbers: dict[str, object] = {"mac": mac_address(device)}
    if _MODELS[kind].has_modem:
        numbers["imei"] = imei(device)
    if _MODELS[kind].has_licence:
        numbers["network_access_licence"] = _LICENCE.format(kind + 1)
        numbers["scramble_code"] = f"{rng.randrange(10**15):015}"
    return numbers
