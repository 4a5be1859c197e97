"""Transfers between enterprises over HTTP: who may do what, what changes hands, what stands against it."""

from dataclasses import dataclass
from typing import Any

from harness import NodeUnderTest
from route_requests import made, uscc

from idnode.model.change import Subject
from idnode.storage.changes import ChangeStore

URL = {"index": 1, "type": "URL", "data": "https://example.com/moved"}


@dataclass(frozen=True)
class Trade:
    """Two enterprises with a prefix each (88.118.8 and 88.118.9), and a key for each."""

    node: NodeUnderTest
    giver: str
    receiver: str
    giver_key: str
    receiver_key: str

    async def request(self, **form: Any) -> dict[str, Any]:
        """A requested transfer, by the giver to the receiver."""
        response = await self.node.call(
            "POST", "/v1/transfers", {"receiver": self.receiver, **form}, key=self.giver_key
        )
        assert response.status == 201, await response.text()
        return dict(await response.json())

    async def answer(self, transfer: dict[str, Any], act: str, key: str = "", **form: str) -> tuple[int, Any]:
        """Status and document of an answer; `key` "" is the admin's."""
        path = f"/v1/transfers/{transfer['id']}/{act}"
        response = await self.node.call("POST", path, form or None, key=key)
        return response.status, await response.json()

    async def patch(self, identifier: str, key: str) -> int:
        """The status of a change."""
        response = await self.node.call("PATCH", f"/v1/identifiers/{identifier}", {"values": [URL]}, key=key)
        return response.status


async def trade(node: NodeUnderTest) -> Trade:
    """The two enterprises."""
    giver, receiver = await node.enterprise(), await node.enterprise(uscc=uscc(1))
    await node.prefix("88.118.8", enterprise=giver)
    await node.prefix("88.118.9", enterprise=receiver)
    return Trade(
        node, giver, receiver, await node.key("enterprise", "88.118.8"), await node.key("enterprise", "88.118.9")
    )


async def history(node: NodeUnderTest, subject: Subject, name: str) -> list[str]:
    """The operations of a thing, newest first."""
    changes = await ChangeStore(node.node.database).page(subject, name, below_version=1_000, limit=100)
    return [change.operation for change in changes]


async def test_identifiers_change_hands_when_the_receiver_says_yes(node: NodeUnderTest) -> None:
    both = await trade(node)
    one, two = await node.identifier("88.118.8/A"), await node.identifier("88.118.8/B")
    await node.call("POST", f"/v1/suspend/{two}")

    transfer = await both.request(identifiers=["88.118.8/a", two], note="sold")
    early = await both.patch(one, both.receiver_key)
    refused = [
        (await both.answer(transfer, "approve", both.giver_key))[0],
        (await both.answer(transfer, "cancel", both.receiver_key))[0],
    ]
    status, approved = await both.answer(transfer, "approve", both.receiver_key, note="received")
    record = await (await node.call("GET", f"/v1/identifiers/{two}")).json()
    read = await (await node.call("GET", f"/v1/transfers/{transfer['id']}", key=both.giver_key)).json()

    assert (transfer["state"], transfer["kind"], transfer["count"], transfer["giver"]) == (
        "requested", "identifiers", 2, both.giver,
    )  # fmt: skip
    assert (early, refused, status, approved["state"], approved["version"]) == (403, [403, 403], 200, "approved", 2)
    assert [(step["act"], step["role"], step["note"]) for step in read["steps"]] == [
        ("request", "enterprise", "sold"),
        ("accept", "enterprise", "received"),
    ]
    assert (record["holder"], record["state"], record["version"]) == (both.receiver, "suspended", 3)
    assert [await both.patch(each, key) for each in (one, two) for key in (both.giver_key, both.receiver_key)] == [
        403, 200, 403, 200,
    ]  # fmt: skip
    assert await history(node, Subject.IDENTIFIER, "88.118.8/B") == ["patch", "transfer", "suspend", "register"]
    assert await history(node, Subject.TRANSFER, transfer["id"]) == ["accept", "request"]

    back = await both.node.call(
        "POST", "/v1/transfers", {"identifiers": [one], "receiver": both.giver}, key=both.receiver_key
    )
    returned = await both.answer(await back.json(), "approve", both.giver_key)

    assert (returned[0], "holder" in await (await node.call("GET", f"/v1/identifiers/{one}")).json()) == (200, False)
    assert await both.patch(one, both.giver_key) == 200


async def test_an_approval_is_all_or_nothing_and_says_what_stands_against_it(node: NodeUnderTest) -> None:
    both = await trade(node)
    names = [await node.identifier(f"88.118.8/{letter}") for letter in "ABC"]
    transfer = await both.request(identifiers=names)
    for deleted in names[1:]:
        await node.call("DELETE", f"/v1/identifiers/{deleted}")

    tried, refused = [await both.answer(transfer, "approve", both.receiver_key) for _ in range(2)]
    untouched = await (await node.call("GET", f"/v1/identifiers/{names[0]}")).json()
    await node.call("POST", f"/v1/restore/{names[1]}")
    await node.call("POST", f"/v1/restore/{names[2]}")
    await node.call("DELETE", f"/v1/enterprises/{both.receiver}")
    retired = await both.answer(transfer, "approve", both.receiver_key)

    assert tried == refused
    assert (refused[0], [(e["pointer"], e["rule"], e["value"]) for e in refused[1]["errors"]]) == (
        409,
        [("/identifiers/1", "state", "88.118.8/B"), ("/identifiers/2", "state", "88.118.8/C")],
    )
    assert (untouched["version"], "holder" in untouched) == (1, False)
    assert (retired[0], "is retired" in retired[1]["detail"]) == (409, True)
    assert (await both.answer(transfer, "cancel", both.giver_key))[1]["state"] == "cancelled"


async def test_a_prefix_takes_the_word_of_receiver_and_node_and_its_old_keys_write_no_more(node: NodeUnderTest) -> None:
    both = await trade(node)
    await node.prefix("88.118.10", enterprise=both.giver)
    await node.identifier("88.118.8/A")
    wide = await node.key("enterprise", "88.118.8", "88.118.10")
    prepared = await node.key("enterprise", "88.118.8", "88.118.9")
    reviewer = await node.key("reviewer")

    transfer = await both.request(prefix="88.118.8")
    accepted = await both.answer(transfer, "approve", both.receiver_key)
    again = await both.answer(transfer, "approve", both.receiver_key)
    stands = (await (await node.call("GET", "/v1/prefixes/88.118.8")).json())["enterprise"]
    tried = await node.call("POST", f"/v1/transfers/{transfer['id']}/approve?dry_run=true", key=reviewer)
    still = (await (await node.call("GET", "/v1/prefixes/88.118.8")).json())["enterprise"]
    confirmed = await both.answer(transfer, "approve", reviewer, note="checked")
    prefix = await (await node.call("GET", "/v1/prefixes/88.118.8")).json()

    assert (accepted[0], accepted[1]["state"], again[0]) == (200, "accepted", 409)
    assert "waits for a reviewer or an admin" in again[1]["detail"]
    assert (stands, tried.status, still) == (both.giver, 200, both.giver)
    assert (confirmed[0], confirmed[1]["state"]) == (200, "approved")
    assert (prefix["enterprise"], prefix["version"]) == (both.receiver, 2)
    assert [await both.patch("88.118.8/A", key) for key in (both.giver_key, wide, prepared)] == [401, 403, 200]
    assert (await (await node.call("GET", "/v1/identifiers/88.118.8/A")).json()).get("holder") is None
    assert await history(node, Subject.PREFIX, "88.118.8") == ["transfer", "register"]
    assert await history(node, Subject.TRANSFER, transfer["id"]) == ["confirm", "accept", "request"]
    keys = (await (await node.call("GET", "/v1/keys")).json())["items"]
    narrowed = next(key for key in keys if wide.startswith(key["hint"]))
    assert (narrowed["prefixes"], narrowed["version"], narrowed["revoked"]) == (["88.118.10"], 2, None)
    assert await history(node, Subject.KEY, narrowed["id"]) == ["narrow", "make"]


async def test_what_cannot_be_transferred_is_refused_when_it_is_asked_for(node: NodeUnderTest) -> None:
    both = await trade(node)
    name = await node.identifier("88.118.8/A")
    await node.identifier("88.118.9/A")
    await node.identifier("88.118/A")
    await node.call("POST", "/v1/prefixes", {"prefix": "88.118.11", "enterprise": both.giver, "state": "waiting"})
    gone = await node.enterprise(uscc=uscc(2))
    await node.call("DELETE", f"/v1/enterprises/{gone}")
    forms: list[dict[str, Any]] = [
        {},
        {"prefix": "88.118.8", "identifiers": [name]},
        {"identifiers": [name] * 2001},
        {"identifiers": ["88.118.8", name, "88.118.8/a"]},
        {"identifiers": [name, "88.118.8/none"]},
        {"identifiers": [name, "88.118.9/A"]},
        {"identifiers": ["88.118/A"]},
        {"identifiers": [name], "receiver": both.giver},
        {"identifiers": [name], "receiver": gone},
        {"identifiers": [name], "receiver": "01a20e94-69e2-7731-bf7e-3c440edb27cb"},
        {"prefix": "88.118"},
        {"prefix": "88.118.11"},
        {"prefix": "88.118.12"},
    ]

    found = []
    for form in forms:
        response = await node.call("POST", "/v1/transfers", {"receiver": both.receiver, **form})
        errors = (await response.json()).get("errors", [])
        found.append((response.status, [(error["pointer"], error["rule"]) for error in errors]))

    assert found == [
        (422, [("", "prefix-or-identifiers")]),
        (422, [("", "prefix-or-identifiers")]),
        (422, [("/identifiers", "max-items")]),
        (422, [("/identifiers/0", "prefix-slash-suffix"), ("/identifiers/2", "given-twice")]),
        (409, [("/identifiers/1", "registered")]),
        (409, [("/identifiers/1", "holder")]),
        (409, [("/identifiers/0", "holder")]),
        (422, [("/receiver", "another-enterprise")]),
        (409, []),
        (404, []),
        (409, []),
        (409, []),
        (404, []),
    ]


async def test_one_thing_is_in_one_open_transfer_and_free_again_when_that_is_over(node: NodeUnderTest) -> None:
    both = await trade(node)
    names = [await node.identifier(f"88.118.8/{letter}") for letter in "ABC"]
    first = await both.request(identifiers=names[:2])
    second = {"identifiers": names[1:], "receiver": both.receiver}

    taken = await node.call("POST", "/v1/transfers", second, key=both.giver_key)
    rejected = await both.answer(first, "reject", both.receiver_key, note="not ours")
    over = [(await both.answer(first, act))[0] for act in ("approve", "reject", "cancel")]
    freed = await node.call("POST", "/v1/transfers", second, key=both.giver_key)
    moved = await node.call("POST", f"/v1/transfers/{first['id']}/cancel", If_Match='"1"')

    assert (taken.status, [(e["pointer"], e["value"]) for e in (await taken.json())["errors"]]) == (
        409,
        [("/identifiers/0", "88.118.8/B")],
    )
    assert (rejected[1]["state"], rejected[1]["steps"][-1]["note"], over) == ("rejected", "not ours", [409, 409, 409])
    assert (freed.status, moved.status) == (201, 412)


async def test_what_nobody_answers_in_time_expires_and_frees_what_it_held(node: NodeUnderTest) -> None:
    both = await trade(node)
    name = await node.identifier("88.118.8/A")
    read_only, answered, held = [
        await both.request(identifiers=[each])
        for each in (name, await node.identifier("88.118.8/B"), await node.identifier("88.118.8/C"))
    ]
    async with node.node.database.session() as session:
        await session.run("UPDATE transfer SET expires = now()")

    read = await (await node.call("GET", f"/v1/transfers/{read_only['id']}")).json()
    listed = [
        len((await (await node.call("GET", f"/v1/transfers?state={state}")).json())["items"])
        for state in ("requested", "expired")
    ]
    late, _ = await both.answer(answered, "approve", both.receiver_key)
    requested_anew = await both.request(identifiers=["88.118.8/C"])

    assert (read["state"], read["version"], listed, late) == ("expired", 1, [0, 3], 409)
    assert requested_anew["state"] == "requested"
    assert [await history(node, Subject.TRANSFER, each["id"]) for each in (read_only, answered, held)] == [
        ["expire", "request"],
    ] * 3  # fmt: skip
    assert (await (await node.call("GET", f"/v1/identifiers/{name}")).json())["version"] == 1


async def test_only_the_two_enterprises_and_the_node_see_a_transfer(node: NodeUnderTest) -> None:
    both = await trade(node)
    await node.prefix("88.118.10", enterprise=await node.enterprise(uscc=uscc(3)))
    transfer = await both.request(identifiers=[await node.identifier("88.118.8/A")])
    stranger, scoped = await node.key("enterprise", "88.118.10"), await node.key("reviewer", "88.118.10")
    path = f"/v1/transfers/{transfer['id']}"

    seen = [
        (
            (await node.call("GET", path, key=key)).status,
            len((await (await node.call("GET", "/v1/transfers", key=key)).json())["items"]),
        )
        for key in ("", both.giver_key, both.receiver_key, stranger, scoped)
    ]
    asked = await node.call(
        "POST", "/v1/transfers", {"identifiers": ["88.118.8/none"], "receiver": both.receiver}, key=stranger
    )
    taken = await node.call("POST", "/v1/transfers", {"prefix": "88.118.8", "receiver": both.receiver}, key=stranger)
    answers = [
        (await both.answer(transfer, act, key))[0] for act in ("approve", "reject") for key in (stranger, scoped)
    ]

    assert seen == [(200, 1), (200, 1), (200, 1), (403, 0), (403, 0)]
    assert (asked.status, taken.status, answers) == (403, 403, [403] * 4)


async def test_a_repeated_approval_gives_the_same_answer_once(node: NodeUnderTest) -> None:
    both = await trade(node)
    name = await node.identifier("88.118.8/A")
    of_identifiers = await both.request(identifiers=[name])
    await node.call("POST", f"/v1/transfers/{of_identifiers['id']}/approve?dry_run=true")
    untouched = await (await node.call("GET", f"/v1/identifiers/{name}")).json()

    async def twice(transfer: dict[str, Any]) -> list[str]:
        path = f"/v1/transfers/{transfer['id']}/approve"
        return [await (await node.call("POST", path, Idempotency_Key=transfer["id"])).text() for _ in range(2)]

    first, again = await twice(of_identifiers)
    of_prefix = await made(node, "/v1/transfers", {"prefix": "88.118.8", "receiver": both.receiver})
    moved, once_more = await twice(of_prefix)

    assert untouched["version"] == 1
    assert (first == again, moved == once_more) == (True, True)
    assert '"state":"approved"' in first
    assert '"act":"confirm"' in moved
    assert (await (await node.call("GET", f"/v1/identifiers/{name}")).json())["version"] == 2
