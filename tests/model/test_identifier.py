"""Identifier and prefix: where they split, what folds, what may not stand in them, how long they may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.errors import InvalidIdentifier, InvalidPrefix, Violation
from idnode.model.identifier import Identifier, Prefix, fold, unprintable


def refusal_of(text: str) -> Violation:
    """The one violation for which `text` is no identifier."""
    with pytest.raises(InvalidIdentifier) as caught:
        Identifier.parse(text)
    (violation,) = caught.value.violations
    return violation


def parsed_or_refused(text: str) -> Identifier | Violation:
    """What becomes of a text."""
    try:
        return Identifier.parse(text)
    except InvalidIdentifier as error:
        (violation,) = error.violations
        return violation


def prefix_refusal_of(text: str) -> Violation:
    """The one violation for which `text` is no prefix."""
    with pytest.raises(InvalidPrefix) as caught:
        Prefix.parse(text)
    (violation,) = caught.value.violations
    return violation


def test_an_identifier_is_split_at_its_first_slash() -> None:
    identifier = Identifier.parse("88.118.8/a/b//c/")

    assert (identifier.prefix.text, identifier.suffix) == ("88.118.8", "a/b//c/")


def test_an_identifier_is_shown_as_written_and_compared_without_case() -> None:
    identifier = Identifier.parse("88.118.8a/Jx-1ü")

    assert identifier.text == "88.118.8a/Jx-1ü"
    assert identifier.folded == "88.118.8A/JX-1ü"
    assert identifier.prefix == Prefix("88.118.8a", "88.118.8A")
    assert identifier.folded == Identifier.parse("88.118.8A/jX-1ü").folded


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("azAZ09_-", "AZAZ09_-"),
        ("straße", "STRAßE"),
        ("İıi", "İıI"),
        ("\u212a", "\u212a"),  # KELVIN SIGN, which str.lower() makes a k
        ("k", "K"),
        ("ſs", "ſS"),  # LATIN SMALL LETTER LONG S, which str.upper() makes an S
        ("ｘ", "ｘ"),
        ("éΣσςжЖ产品", "éΣσςжЖ产品"),
        ("ﬁx", "ﬁX"),
    ],
)
def test_only_ascii_letters_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_folding_is_done_once_and_moves_no_byte(text: str) -> None:
    folded = fold(text)

    assert fold(folded) == folded
    assert len(folded.encode()) == len(text.encode())


def test_composed_and_decomposed_letters_are_two_identifiers() -> None:
    assert Identifier.parse("88.118.8/\u00e9").folded != Identifier.parse("88.118.8/e\u0301").folded


@pytest.mark.parametrize("letter", ["x", "é", "品", "𠀀"])
def test_an_identifier_has_255_bytes_at_most_however_many_characters_they_are(letter: str) -> None:
    size = len(letter.encode())
    count, rest = divmod(255 - len("88.118.8/"), size)
    longest = "88.118.8/" + "y" * rest + letter * count

    violation = refusal_of(longest + "z")

    assert len(Identifier.parse(longest).text.encode()) == 255
    assert (violation.rule, violation.limit) == ("max-bytes", "255 bytes")
    assert violation.detail == "256 bytes in UTF-8, the limit is 255"


def test_what_is_shown_of_a_refused_identifier_is_cut() -> None:
    assert refusal_of("88.118.8/" + "x" * 4_000).value == "88.118.8/" + "x" * 70 + "…"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "prefix-slash-suffix"),
        ("88.118.8", "prefix-slash-suffix"),
        ("88.118.8%2FJX", "prefix-slash-suffix"),
        ("88.118.8\\JX", "prefix-slash-suffix"),
        ("88.118.8\u2215JX", "prefix-slash-suffix"),  # DIVISION SLASH looks like one
        ("88.118.8/", "suffix-not-empty"),
        ("/", "suffix-not-empty"),
        ("/JX", "dotted-labels"),
        ("./JX", "dotted-labels"),
        (".88/JX", "dotted-labels"),
        ("88./JX", "dotted-labels"),
        ("88..118/JX", "dotted-labels"),
        ("88 118/JX", "dotted-labels"),
        (" 88.118.8/JX", "no-outer-space"),
        ("88.118.8/JX ", "no-outer-space"),
        ("88.118.8/ ", "no-outer-space"),
        ("8" * 161 + "/JX", "max-bytes"),
    ],
)
def test_what_is_not_prefix_slash_suffix_is_refused(text: str, rule: str) -> None:
    assert refusal_of(text).rule == rule


@pytest.mark.parametrize(
    "suffix", [".", "..", "../x", "a b", "/", "//", "%00", "a?b#c", "?", "&=+;", "<script>", "产品"]
)
def test_a_suffix_may_hold_whatever_can_be_printed(suffix: str) -> None:
    assert Identifier.parse("88.118.8/" + suffix).suffix == suffix


@pytest.mark.parametrize(
    ("character", "named"),
    [
        ("\x00", "U+0000 Cc"),
        ("\n", "U+000A Cc"),
        ("\x1b", "U+001B Cc"),
        ("\x7f", "U+007F Cc"),
        ("\x85", "U+0085 Cc"),
        ("\u00a0", "U+00A0 NO-BREAK SPACE"),
        ("\u00ad", "U+00AD SOFT HYPHEN"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u200d", "U+200D ZERO WIDTH JOINER"),
        ("\u200f", "U+200F RIGHT-TO-LEFT MARK"),
        ("\u2028", "U+2028 LINE SEPARATOR"),
        ("\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u2066", "U+2066 LEFT-TO-RIGHT ISOLATE"),
        ("\u3000", "U+3000 IDEOGRAPHIC SPACE"),
        ("\ufeff", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("\ud800", "U+D800 Cs"),
        ("\udcff", "U+DCFF Cs"),
        ("\ue000", "U+E000 Co"),
        ("\ufdd0", "U+FDD0 Cn"),
        ("\uffff", "U+FFFF Cn"),
        ("\U000e0041", "U+E0041 TAG LATIN CAPITAL LETTER A"),
        ("\U0010ffff", "U+10FFFF Cn"),
    ],
)
def test_a_character_that_cannot_be_printed_is_refused_by_name_and_place(character: str, named: str) -> None:
    in_suffix = refusal_of(f"88.118.8/a{character}b")
    in_prefix = refusal_of(f"88.118.8{character}/a")

    assert in_suffix.detail == f"holds a character that may not be in an identifier: {named} at character 10"
    assert in_prefix.detail == f"holds a character that may not be in an identifier: {named} at character 8"
    assert character not in (in_suffix.value or "")
    assert prefix_refusal_of(f"88{character}").detail.endswith(f"{named} at character 2")


def test_the_first_bad_character_of_several_is_named() -> None:
    assert unprintable("ab\u202ec\x00") == "U+202E RIGHT-TO-LEFT OVERRIDE at character 2"
    assert unprintable("ab c") is None


@given(st.text() | st.builds("{}/{}".format, st.text(min_size=1), st.text(min_size=1)))
def test_any_text_is_an_identifier_or_refused_for_one_reason_that_can_be_sent(text: str) -> None:
    match parsed_or_refused(text):
        case Identifier(prefix=prefix, suffix=suffix):
            assert f"{prefix.text}/{suffix}" == text
        case Violation(detail=detail, value=value):
            assert f"{detail}{value}".isprintable()


@pytest.mark.parametrize("text", ["88", "88.118", "88.118.8", "0.NA", "20.500.12345", "a-b.c_d", "8" * 160])
def test_a_prefix_is_dotted_labels(text: str) -> None:
    assert Prefix.parse(text).text == text


@pytest.mark.parametrize(
    ("text", "rule", "limit"),
    [
        ("", "dotted-labels", None),
        (".", "dotted-labels", None),
        ("88.", "dotted-labels", None),
        ("88..8", "dotted-labels", None),
        ("88/8", "dotted-labels", None),
        ("88 8", "dotted-labels", None),
        ("8" * 161, "max-bytes", "160 bytes"),
        ("品" * 54, "max-bytes", "160 bytes"),
    ],
)
def test_what_is_not_dotted_labels_is_no_prefix(text: str, rule: str, limit: str | None) -> None:
    violation = prefix_refusal_of(text)

    assert (violation.rule, violation.limit) == (rule, limit)


@pytest.mark.parametrize("label", ["8", "0", "008", "9" * 128])
def test_an_enterprise_prefix_is_the_nodes_and_one_label_of_digits(label: str) -> None:
    assert Prefix.parse(f"88.118.{label}").enterprise_label_problem(Prefix.parse("88.118")) is None


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("88.118", "must be one label below the node's prefix 88.118, as in 88.118.8"),
        ("88.118.8.1", "must be one label below the node's prefix 88.118, as in 88.118.8"),
        ("88.119.8", "must be one label below the node's prefix 88.118, as in 88.118.8"),
        ("88.1188", "must be one label below the node's prefix 88.118, as in 88.118.8"),
        ("10.88.118", "must be one label below the node's prefix 88.118, as in 88.118.8"),
        ("88.118.8a", "its last label must be 1 to 128 digits"),
        ("88.118.-8", "its last label must be 1 to 128 digits"),
        ("88.118.８", "its last label must be 1 to 128 digits"),  # FULLWIDTH DIGIT EIGHT
        ("88.118.²", "its last label must be 1 to 128 digits"),
        ("88.118." + "9" * 129, "its last label must be 1 to 128 digits"),
    ],
)
def test_what_is_not_below_the_node_is_no_enterprise_prefix(prefix: str, problem: str) -> None:
    assert Prefix.parse(prefix).enterprise_label_problem(Prefix.parse("88.118")) == problem


def test_the_nodes_prefix_is_compared_without_case() -> None:
    assert Prefix.parse("0.na.8").enterprise_label_problem(Prefix.parse("0.NA")) is None


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("88.118.8/JX_2021-0602", ()),
        ("88.118.8/产品１", ()),
        ("88.118.8/" + "x" * 119, ()),
        ("88.118.8/" + "x" * 120, ("longer than 128 characters: some recursive nodes refuse it",)),
        ("88.118.8/a/b", ("more than one slash: some recursive nodes refuse it",)),
        ("88.118.8/a.b:c.d", ("special characters other than _ and - (. :): some recursive nodes refuse it",)),
        (
            "88.118.8/" + "x" * 118 + "/#",
            (
                "longer than 128 characters: some recursive nodes refuse it",
                "more than one slash: some recursive nodes refuse it",
                "special characters other than _ and - (#): some recursive nodes refuse it",
            ),
        ),
    ],
)
def test_what_recursive_nodes_may_refuse_is_a_warning(text: str, warnings: tuple[str, ...]) -> None:
    assert Identifier.parse(text).warnings() == warnings


@given(
    st.text("aZ7.-/ \u00e9\u0009", max_size=12)
    | st.from_regex(r"[a-z]{78,80}\.[a-z]{78,82}/[!-~]{1,100}", fullmatch=True)
)
def test_every_text_is_judged_by_the_same_rules_however_plain_it_is(text: str) -> None:
    prefix, _, suffix = text.partition("/")
    is_good = bool(suffix) and all(prefix.split(".")) and len(prefix.encode()) <= 160 and len(text.encode()) <= 255
    is_good = is_good and " " not in prefix and "\t" not in text and not text.endswith(" ")

    parsed = parsed_or_refused(text)

    assert isinstance(parsed, Identifier) == is_good
    assert parsed == Identifier(text, fold(text), Prefix.parse(prefix)) if is_good else isinstance(parsed, Violation)
