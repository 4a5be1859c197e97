"""docs/top-node.md: its batch is one, its verdicts are some, its signature is right, and it names every report."""

import re
from pathlib import Path

from idnode.model.reporting import RecordState, Report, Verdict
from idnode.wire.top_node.messages import read_batch, read_verdicts
from idnode.wire.top_node.signing import HmacSigner
from idnode.wire.top_node.tables import check_data

GUIDE = (Path(__file__).parents[3] / "docs" / "top-node.md").read_text("utf-8")
BATCH, VERDICTS = (block.encode() for block in re.findall(r"^```json\n(.*?)\n```$", GUIDE, re.MULTILINE | re.DOTALL))


def test_its_batch_is_right() -> None:
    batch = read_batch(BATCH)

    assert [check_data(record.report, record.data) for record in batch.records] == [[]]


def test_its_verdicts_are_right() -> None:
    assert read_verdicts(VERDICTS) == (
        Verdict(read_batch(BATCH).records[0].id, RecordState.ACCEPTED, "R-20261124-000001"),
    )


def test_its_signature_is_right() -> None:
    signer = HmacSigner("app-1", "a fictitious secret")

    headers = signer.headers("POST", "/v1/batches", BATCH, at=1795500000, nonce="6f1d3c2e2f5d4a77")

    assert f"X-Idnode-Signature: {headers['X-Idnode-Signature']}\n" in GUIDE


def test_it_lists_every_report() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|[^|]+\|[^|]+\|[^|]+\|$", GUIDE, re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]

    assert sorted(listed) == sorted(Report)
