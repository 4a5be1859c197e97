"""The program as a whole: help, version, exit codes, and errors that are no tracebacks."""

import os
import subprocess
import sys

import pytest
from played_node import idnode

from idnode.cli.console import failure_document, printable, violation_line
from idnode.cli.errors import NodeRefused, NodeUnreachable, WrongUsage
from idnode.cli.exits import Exit, exit_of
from idnode.model.errors import IdnodeError, Unavailable, Violation


def program(*arguments: str | bytes) -> "subprocess.CompletedProcess[str]":
    """The program in a process of its own."""
    command = [sys.executable, "-m", "idnode", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


@pytest.mark.parametrize(
    "command",
    [
        (),
        *[(name,) for name in ("serve", "migrate", "check-config", "doctor", "register", "resolve", "version")],
        *[("keys", name) for name in ("list", "create", "rotate", "revoke")],
        *[("templates", name) for name in ("list", "show", "define", "export")],
    ],
)
def test_the_help_of_every_command_ends_with_the_exit_codes(command: tuple[str, ...]) -> None:
    shown = " ".join(idnode(*command, "--help").out.split())

    assert "Exit codes: 0 done · 1 something was refused or a check failed" in shown
    assert "5 not found" in shown
    assert command == () or command[0] in ("keys", "templates") or "--json" in shown


def test_the_version_is_told_to_people_and_to_programs() -> None:
    python = ".".join(str(part) for part in sys.version_info[:3])

    assert idnode("version").out == f"idnode 0.1.0 (Python {python})\n"
    assert idnode("version", "--json").document == {"idnode": "0.1.0", "python": python}


def test_the_module_runs_as_the_program() -> None:
    ended = program("version")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("idnode 0.1.0 ")


def test_an_argument_that_is_no_text_is_wrong_usage() -> None:
    ended = program(b"resolve", b"88.118/\xff")

    assert (ended.returncode, ended.stderr) == (2, "idnode: an argument is not UTF-8\n")


def test_a_reader_that_has_seen_enough_ends_the_output_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "idnode", "check-config"]
    with os.fdopen(writing, "wb") as closed:
        ended = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, timeout=60, check=False)  # noqa: S603

    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongUsage("x"), Exit.USAGE),
        (NodeUnreachable("x"), Exit.UNREACHABLE),
        (Unavailable("x"), Exit.UNREACHABLE),
        (IdnodeError("x"), Exit.REFUSED),
        (NodeRefused("x", status=401, refused_as="not-authenticated", title=""), Exit.NOT_ALLOWED),
        (NodeRefused("x", status=403, refused_as="forbidden", title=""), Exit.NOT_ALLOWED),
        (NodeRefused("x", status=404, refused_as="not-found", title=""), Exit.NOT_FOUND),
        (NodeRefused("x", status=410, refused_as="identifier-deleted", title=""), Exit.NOT_FOUND),
        (NodeRefused("x", status=409, refused_as="conflict", title=""), Exit.REFUSED),
        (NodeRefused("x", status=500, refused_as="internal", title=""), Exit.REFUSED),
    ],
)
def test_every_error_has_its_exit_code(error: IdnodeError, code: Exit) -> None:
    assert exit_of(error) is code


def test_a_violation_is_one_line_with_place_rule_and_measure() -> None:
    violation = Violation("/attributes/width", "maximum", "is 9000 cm", value="9000", limit="1000 cm", item="width")

    assert violation_line(violation) == "width: maximum: is 9000 cm (value 9000, limit 1000 cm)"
    assert violation_line(Violation("", "json", "is not JSON")) == "body: json: is not JSON"


def test_a_failure_as_a_document_names_the_kind_of_error() -> None:
    assert failure_document(WrongUsage("no such thing")) == {
        "type": "urn:idnode:problem:wrong-usage",
        "detail": "no such thing",
    }


@pytest.mark.parametrize(
    ("text", "shown"), [("缎 5%", "缎 5%"), ("a\x1b[0mb", "a\\x1b[0mb"), ("a\nb", "a\\nb"), ("\ud800", "\\ud800")]
)
def test_text_for_a_terminal_holds_nothing_that_a_terminal_obeys(text: str, shown: str) -> None:
    assert printable(text) == shown
