"""The order in which entries leave: newcomers first, unless they were asked for or come back."""

from idnode.resolver.eviction import SECOND_CHANCES_MAX, Ghosts, Shelf, Slots

NEWCOMERS, SETTLED = 0, 1


def a_shelf(*, bytes_max: int = 100) -> tuple[Slots, Shelf]:
    slots = Slots(queues=2)
    ghosts = Ghosts(places_min=1)
    return slots, Shelf(slots, ghosts, newcomers=NEWCOMERS, settled=SETTLED, bytes_max=bytes_max)


def fill(shelf: Shelf, names: str, *, was_proven: bool = False) -> dict[str, int]:
    return {name: shelf.add(name.encode(), 1, was_proven=was_proven) for name in names}


def evicted(slots: Slots, shelf: Shelf, count: int) -> str:
    names = ""
    for _ in range(count):
        slot = shelf.leaving()
        names += slots.keys[slot].decode()
        shelf.remove(slot)
    return names


def test_newcomers_leave_in_the_order_in_which_they_came() -> None:
    slots, shelf = a_shelf()
    fill(shelf, "abc")

    assert evicted(slots, shelf, 3) == "abc"


def test_a_newcomer_that_was_asked_for_is_settled_instead() -> None:
    slots, shelf = a_shelf(bytes_max=10)
    by_name = fill(shelf, "abcd")
    slots.referenced[by_name["b"]] = 1

    assert evicted(slots, shelf, 2) == "ac"
    assert shelf.is_proven(by_name["b"])
    assert not shelf.is_proven(by_name["d"])


def test_newcomers_within_their_tenth_stay_and_the_settled_leave() -> None:
    slots, shelf = a_shelf(bytes_max=30)
    fill(shelf, "xyz", was_proven=True)
    fill(shelf, "abc")

    assert evicted(slots, shelf, 2) == "xy"


def test_newcomers_beyond_their_tenth_leave_before_the_settled() -> None:
    slots, shelf = a_shelf(bytes_max=30)
    fill(shelf, "xyz", was_proven=True)
    fill(shelf, "abcde")

    assert evicted(slots, shelf, 3) == "abx"


def test_a_settled_entry_that_was_asked_for_is_spared_once() -> None:
    slots, shelf = a_shelf()
    by_name = fill(shelf, "xyz", was_proven=True)
    slots.referenced[by_name["x"]] = 1

    assert evicted(slots, shelf, 3) == "yzx"


def test_who_left_as_a_newcomer_comes_back_settled() -> None:
    slots, shelf = a_shelf()
    fill(shelf, "a")
    evicted(slots, shelf, 1)

    slot = fill(shelf, "a")["a"]

    assert shelf.is_proven(slot)


def test_who_left_as_settled_comes_back_as_a_newcomer() -> None:
    slots, shelf = a_shelf()
    fill(shelf, "x", was_proven=True)
    evicted(slots, shelf, 1)

    slot = fill(shelf, "x")["x"]

    assert not shelf.is_proven(slot)


def test_one_eviction_spares_only_so_many() -> None:
    slots, shelf = a_shelf()
    for number in range(SECOND_CHANCES_MAX + 10):
        slots.referenced[shelf.add(b"%d" % number, 1, was_proven=True)] = 1

    assert slots.keys[shelf.leaving()] == b"64"
    assert sum(slots.referenced) == 10


def test_an_entry_can_be_taken_from_the_middle() -> None:
    slots, shelf = a_shelf()
    by_name = fill(shelf, "abc")

    shelf.remove(by_name["b"])

    assert (shelf.entries, shelf.bytes) == (2, 2)
    assert evicted(slots, shelf, 2) == "ac"


def test_a_slot_is_used_again_without_the_hits_of_its_last_entry() -> None:
    slots, shelf = a_shelf()
    first = fill(shelf, "a")["a"]
    slots.referenced[first] = 1
    shelf.remove(first)

    again = fill(shelf, "b")["b"]

    assert again == first
    assert slots.referenced[again] == 0


def test_slots_are_numbered_anew_after_clearing() -> None:
    slots, shelf = a_shelf()
    fill(shelf, "abc")
    shelf.remove(3)

    slots.clear()
    shelf.clear()

    assert (shelf.entries, shelf.bytes, len(slots.referenced)) == (0, 0, 2)
    assert fill(shelf, "xy") == {"x": 2, "y": 3}
    assert evicted(slots, shelf, 2) == "xy"


def test_a_newcomer_that_is_settled_takes_no_room_from_newcomers() -> None:
    slots, shelf = a_shelf(bytes_max=30)
    fill(shelf, "xyz", was_proven=True)
    slots.referenced[fill(shelf, "abcd")["a"]] = 1

    assert evicted(slots, shelf, 1) == "x"


def test_room_that_newcomers_gave_up_is_theirs_again() -> None:
    slots, shelf = a_shelf(bytes_max=30)
    fill(shelf, "xyz", was_proven=True)
    for slot in fill(shelf, "abcdefgh").values():
        shelf.remove(slot)
    fill(shelf, "ijk")

    assert evicted(slots, shelf, 1) == "x"


def test_ghosts_know_who_left_and_nobody_else() -> None:
    ghosts = Ghosts(places_min=10_000)

    for number in range(100):
        ghosts.add(b"left %d" % number)

    assert b"left 99" in ghosts
    assert [number for number in range(100) if b"stayed %d" % number in ghosts] == []
