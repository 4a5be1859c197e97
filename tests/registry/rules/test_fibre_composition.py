"""Fibre composition: generic names only, no fibre twice, exactly 100 %."""

import pytest

from idnode.registry.rules.fibre_names import FIBRE_OF_NAME, GENERIC_NAMES
from idnode.registry.rules.textiles import fibre_composition_problem


def composition(**percents: float) -> list[object]:
    return [{"fibre": fibre, "percent": percent} for fibre, percent in percents.items()]


def test_one_fibre_alone_is_a_composition() -> None:
    assert fibre_composition_problem(composition(cotton=100)) is None


def test_chinese_and_english_names_may_stand_side_by_side() -> None:
    assert fibre_composition_problem(composition(桑蚕丝=70, elastane=5, 羊毛=25)) is None


def test_tenths_of_a_percent_add_up_as_they_are_written() -> None:
    assert fibre_composition_problem(composition(cotton=33.3, polyester=33.3, viscose=33.4)) is None
    assert fibre_composition_problem(composition(cotton=0.1, polyester=0.2, viscose=99.7)) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (composition(cotton=60, polyester=39.9), "sums to 99.9 %, it must be exactly 100 %"),
        (composition(cotton=60, polyester=50), "sums to 110 %, it must be exactly 100 %"),
        (composition(cotton=50, 棉=50), "names one fibre twice: cotton and 棉"),
        (composition(涤纶=50, 聚酯纤维=50), "names one fibre twice: 涤纶 and 聚酯纤维"),
        (composition(cotton=0), "gives cotton the share 0, it must be a number above 0 and at most 100"),
        (composition(cotton=-5), "gives cotton the share -5, it must be a number above 0 and at most 100"),
        (composition(cotton=True), "gives cotton the share no number, it must be a number above 0 and at most 100"),
        (composition(cotton=100.5), "gives cotton the share 100.5, it must be a number above 0 and at most 100"),
        (
            [{"fibre": "cotton", "percent": "100"}],
            "gives cotton the share 100, it must be a number above 0 and at most 100",
        ),
        (
            composition(天丝=100),
            "names '天丝', which is no generic fibre name of ISO 2076 or GB/T 4146.1",
        ),
        (
            composition(Cotton=100),
            "names 'Cotton', which is no generic fibre name of ISO 2076 or GB/T 4146.1; is cotton meant?",
        ),
        (
            composition(polyster=100),
            "names 'polyster', which is no generic fibre name of ISO 2076 or GB/T 4146.1; is polyester meant?",
        ),
        ([{"fibre": ["cotton"], "percent": 100}], "has a part whose fibre is not a name"),
        (
            [{"fibre": "cotton", "percent": 100, "origin": "Xinjiang"}],
            'has a part that is not {"fibre": generic name, "percent": number} and nothing else',
        ),
        (
            [{"fibre": "cotton"}],
            'has a part that is not {"fibre": generic name, "percent": number} and nothing else',
        ),
        (["cotton"], 'has a part that is not {"fibre": generic name, "percent": number} and nothing else'),
        ([], 'is not a list of {"fibre": generic name, "percent": number}'),
        ({"cotton": 100}, 'is not a list of {"fibre": generic name, "percent": number}'),
    ],
)
def test_a_broken_composition_says_what_is_wrong(value: object, problem: str) -> None:
    assert fibre_composition_problem(value) == problem


def test_every_name_means_one_fibre_and_english_names_are_lower_case() -> None:
    assert FIBRE_OF_NAME["锦纶"] == "polyamide"
    assert FIBRE_OF_NAME["nylon"] == "polyamide"
    assert {"棉", "羊毛", "粘胶纤维", "莱赛尔纤维", "莫代尔纤维", "氨纶", "腈纶", "苎麻", "亚麻"} <= GENERIC_NAMES
    assert [name for name in GENERIC_NAMES if name != name.lower()] == []


def test_no_name_stands_in_two_rows() -> None:
    from idnode.registry.rules import fibre_names

    rows = (*fibre_names._MAN_MADE, *fibre_names._NATURAL)

    assert sum(len(row) for row in rows) == len(FIBRE_OF_NAME)
