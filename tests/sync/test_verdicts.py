"""Names of records read back, and verdicts sorted out."""

import pytest

from idnode.model.reporting import RecordState, Report, Verdict
from idnode.sync.judging import final_verdicts, kept_text
from idnode.sync.verdicts import RecordKey, read_record_id


@pytest.mark.parametrize(
    ("id", "key"),
    [
        ("88.118:T9:88.118.8/JX-1:7", RecordKey(Report.T9, "88.118.8/JX-1", 7)),
        ("88.118:T9:88.118.8/a:b:1:7", RecordKey(Report.T9, "88.118.8/a:b:1", 7)),
        ("88.118:T3::20261124", RecordKey(Report.T3, "", 20_261_124)),
        ("88.118:prefix-application:88.118.8:1", RecordKey(Report.APPLICATION, "88.118.8", 1)),
        ("88.118:T6:e:9223372036854775807", RecordKey(Report.T6, "e", 9_223_372_036_854_775_807)),
    ],
)
def test_the_name_of_a_record_says_report_subject_and_version(id: str, key: RecordKey) -> None:
    assert read_record_id("88.118", id) == key


@pytest.mark.parametrize(
    "id",
    [
        "",
        "88.118",
        "88.118:T9",
        "88.118:T9:7",
        "88.119:T9:88.118.8/JX-1:7",
        "88.1188:T9:88.118.8/JX-1:7",
        "88.118:T12:88.118.8/JX-1:7",
        "88.118:T9:88.118.8/JX-1:",
        "88.118:T9:88.118.8/JX-1:-7",
        "88.118:T9:88.118.8/JX-1:07",
        "88.118:T9:88.118.8/JX-1:٧",
        "88.118:T9:88.118.8/JX-1:²",
        "88.118:T9:88.118.8/\x00:7",
        "88.118:T9:e:9223372036854775808",
        "88.118:T9:e:" + "9" * 5_000,
    ],
)
def test_a_name_that_this_node_has_not_made_up_is_none(id: str) -> None:
    assert read_record_id("88.118", id) is None


def test_of_several_verdicts_on_a_record_the_first_that_judges_holds() -> None:
    sent, accepted = Verdict("a", RecordState.SENT), Verdict("a", RecordState.ACCEPTED, receipt="R1")
    rejected = Verdict("a", RecordState.REJECTED, reason="late")

    assert final_verdicts([sent, accepted, rejected, sent]) == {"a": accepted}
    assert final_verdicts([sent, sent]) == {"a": sent}


@pytest.mark.parametrize("state", [RecordState.PENDING, RecordState.SUPERSEDED, RecordState.DEAD])
def test_what_is_no_verdict_says_nothing(state: RecordState) -> None:
    assert final_verdicts([Verdict("a", state)]) == {}


def test_texts_of_the_top_node_are_kept_bounded_and_without_nul() -> None:
    assert kept_text("a\x00b") == "a\ufffdb"
    assert kept_text("x" * 1_001) == "x" * 1_000
    assert kept_text(None) is None
