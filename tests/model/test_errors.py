"""The error tree: how an offending value is shown, and how many violations one refusal lists."""

import pytest

from idnode.model import errors
from idnode.model.errors import IdnodeError, InvalidInput, Violation, escaped, pointer_of, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("JX-1", "JX-1"),
        ("", ""),
        ("产品 ß", "产品 ß"),
        ("a\x00b\x7f\x9f", "a\\x00b\\x7f\\x9f"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("a\u202eb\u200bc\u2066d", "a\\u202eb\\u200bc\\u2066d"),
        ("a\u00a0b\u3000c", "a\\xa0b\\u3000c"),
        ("\ud800\udcff", "\\ud800\\udcff"),
        ("\uffff\U0010ffff", "\\uffff\\U0010ffff"),
    ],
)
def test_text_is_shown_as_it_is_with_what_cannot_be_printed_escaped(value: str, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (-7, "-7"),
        (2**63, "9223372036854775808"),
        (1.5, "1.5"),
        (float("inf"), "inf"),
        ([], "an array of 0"),
        ((1, 2), "an array of 2"),
        ({"a": [1]}, "an object of 1"),
    ],
)
def test_other_values_of_json_are_shown_in_words_of_json(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_long_text_is_cut_to_eighty_characters() -> None:
    assert shown("x" * 80) == "x" * 80
    assert shown("x" * 81) == "x" * 79 + "…"


def test_an_integer_that_python_refuses_to_write_is_shown_by_its_size() -> None:
    assert shown(10**5_000) == "an integer of 16610 bits"
    assert shown(-(10**5_000)) == "an integer of 16610 bits"


def test_large_arrays_and_objects_are_never_written_out() -> None:
    assert shown([[0] * 1_000] * 1_000) == "an array of 1000"
    assert shown({str(n): n for n in range(50_000)}) == "an object of 50000"


def test_escaping_cuts_nothing() -> None:
    assert escaped("x" * 200 + "\x1b") == "x" * 200 + "\\x1b"


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ((), ""),
        (("values", 0, "data"), "/values/0/data"),
        (("a/b", "c~d"), "/a~1b/c~0d"),
        (("",), "/"),
        (("a\x00\u202e",), "/a\\x00\\u202e"),
        (("x" * 100_000,), "/" + "x" * 79 + "…"),
    ],
)
def test_a_pointer_escapes_and_cuts_names_that_the_sender_made_up(path: tuple[int | str, ...], pointer: str) -> None:
    assert pointer_of(path) == pointer


def test_one_violation_speaks_for_itself() -> None:
    error = InvalidInput.of([Violation("/name", "required", "is missing")])

    assert (error.detail, error.unlisted) == ("/name: is missing", 0)


def test_a_violation_without_a_place_is_about_the_body_and_one_with_an_item_is_named_by_it() -> None:
    assert InvalidInput.of([Violation("", "json", "is no JSON")]).detail == "body: is no JSON"
    assert InvalidInput.of([Violation("/attributes/w", "maximum", "is 7", item="w")]).detail == "w: is 7"


def test_a_hundred_violations_are_listed_and_the_others_counted() -> None:
    error = InvalidInput.of([Violation(f"/x{n}", "unknown-member", "is unknown") for n in range(250)])

    assert [violation.pointer for violation in error.violations[::33]] == ["/x0", "/x33", "/x66", "/x99"]
    assert (len(error.violations), error.unlisted) == (100, 150)
    assert error.detail == "/x0: is unknown (and 249 more)"


def test_violations_that_were_never_made_are_counted_too() -> None:
    error = InvalidInput.of([Violation("/x0", "unknown-member", "is unknown")], unlisted=7)

    assert (len(error.violations), error.unlisted, error.detail) == (1, 7, "/x0: is unknown (and 7 more)")


def test_a_violation_keeps_everything_but_its_pointer_when_seen_from_above() -> None:
    violation = Violation("/index", "range", "is 0", "0", "1 to 2147483647", "width")

    assert violation.under("/values/3") == Violation(
        "/values/3/index", "range", "is 0", "0", "1 to 2147483647", "width"
    )


def test_every_class_of_the_tree_has_a_code_of_its_own() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, IdnodeError)]

    assert len(classes) == 17
    assert len({each.code for each in classes}) == 17


def test_only_what_passes_by_itself_is_worth_a_retry() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, IdnodeError)]

    assert [each.__name__ for each in classes if each.is_retryable] == ["Unavailable"]
