"""`idnode report monthly` against a played node."""

from pathlib import Path

from played_node import KEY, Said, played_node, problem
from typer.testing import CliRunner, Result

from idnode.cli.report import report

MARKDOWN = "# 二级节点运行月报\n".encode()
PATH = "/v1/monitoring/reports/2026-10"


def run(*arguments: str, url: str) -> Result:
    return CliRunner().invoke(report, ["monthly", *arguments], env={"IDNODE_URL": url, "IDNODE_KEY": KEY})


def test_markdown_goes_to_standard_output_as_it_came() -> None:
    with played_node() as node:
        node.says(f"GET {PATH}", Said(200, MARKDOWN))
        ended = run("--month", "2026-10", url=node.url)

    assert (ended.exit_code, ended.stdout_bytes) == (0, MARKDOWN)
    assert [(asked.target, asked.key) for asked in node.asked] == [(f"{PATH}?format=md", f"Bearer {KEY}")]


def test_a_word_document_goes_into_a_file(tmp_path: Path) -> None:
    output = tmp_path / "2026-10.docx"
    with played_node() as node:
        node.says(f"GET {PATH}", Said(200, b"PK\x03\x04 as it came"))
        ended = run("--month", "2026-10", "--format", "docx", "--output", str(output), url=node.url)

    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", f"wrote {output} (15 bytes)\n")
    assert output.read_bytes() == b"PK\x03\x04 as it came"
    assert node.asked[0].target == f"{PATH}?format=docx"


def test_what_cannot_be_asked_is_not_asked(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(f"GET {PATH}", Said(200, MARKDOWN))
        no_month = run("--month", "2026-13", url=node.url)
        no_file = run("--month", "2026-10", "--format", "docx", url=node.url)
        asked = len(node.asked)
        no_directory = run("--month", "2026-10", "--output", str(tmp_path / "none" / "file"), url=node.url)

    assert [ended.exit_code for ended in (no_month, no_file, no_directory)] == [2, 2, 2]
    assert no_month.stderr == "idnode: --month takes a month such as 2026-10, not '2026-13'\n"
    assert no_file.stderr == "idnode: a Word document is no text for standard output: give --output FILE\n"
    assert no_directory.stderr == f"idnode: cannot write {tmp_path}/none/file: No such file or directory\n"
    assert asked == 0


def test_a_refusal_of_the_node_is_told() -> None:
    with played_node() as node:
        node.says(f"GET {PATH}", problem(404, "not-found", "month 2026-10 has not begun"))
        ended = run("--month", "2026-10", url=node.url)

    assert (ended.exit_code, ended.stderr) == (5, "idnode: month 2026-10 has not begun\n")
