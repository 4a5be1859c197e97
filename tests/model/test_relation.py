"""Relations: rings are found wherever they begin, and letters compare without case."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from idnode.model.identifier import Identifier
from idnode.model.record import STATE_AFTER, UNBORN, Operation, State
from idnode.model.relation import INVERSE, Relation, RelationKind, ring_in
from idnode.wire.relation_json import relation_document, relation_name

NODES = st.integers(0, 7).map(lambda number: f"88.118.8/{number}")
PLATE = Relation(Identifier.parse("88.118.8/plate-1"), RelationKind.PART_OF, Identifier.parse("88.118.8/BLOCK"))


def test_a_chain_has_no_ring_and_its_end_joined_to_its_beginning_is_one() -> None:
    chain = [("A", "B"), ("B", "C"), ("A", "C"), ("C", "D")]

    assert ring_in(chain) == ()
    assert ring_in([*chain, ("D", "B")]) == ("B", "C", "D", "B")
    assert ring_in([("A", "A")]) == ("A", "A")


def test_a_chain_of_ten_thousand_needs_no_recursion() -> None:
    chain = [(str(number), str(number + 1)) for number in range(10_000)]

    assert ring_in(chain) == ()
    assert len(ring_in([*chain, ("10000", "0")])) == 10_002


@given(st.lists(st.tuples(NODES, NODES)))
def test_a_ring_that_is_told_consists_of_edges_and_none_is_missed(edges: list[tuple[str, str]]) -> None:
    ring = ring_in(edges)
    left = set(edges)
    while sinks := {end for _, end in left} - {begin for begin, _ in left}:
        left = {edge for edge in left if edge[1] not in sinks}
    is_ring_there = bool(left)

    assert bool(ring) == is_ring_there
    assert set(pairwise(ring)) <= set(edges)
    assert ring[:1] == ring[-1:]


def test_a_relation_is_told_apart_without_case_and_shown_as_it_was_written() -> None:
    assert relation_name(PLATE) == '["88.118.8/PLATE-1","part_of","88.118.8/BLOCK"]'
    assert relation_document(PLATE) == {"subject": "88.118.8/plate-1", "kind": "part_of", "object": "88.118.8/BLOCK"}


def test_every_kind_has_a_name_from_the_other_side() -> None:
    assert INVERSE == {
        RelationKind.PART_OF: "has_part",
        RelationKind.MADE_FROM: "made_into",
        RelationKind.PACKED_IN: "contains",
        RelationKind.REPLACED_BY: "replaces",
    }


def test_only_activating_leads_from_what_was_never_active_to_what_is() -> None:
    born = {operation for (state, operation), after in STATE_AFTER.items() if state in UNBORN and after not in UNBORN}
    unborn = {operation for (state, operation), after in STATE_AFTER.items() if state not in UNBORN and after in UNBORN}

    assert born == {Operation.ACTIVATE}
    assert unborn == set()
    assert STATE_AFTER[(State.RESERVED, Operation.RELEASE)] is State.RELEASED
