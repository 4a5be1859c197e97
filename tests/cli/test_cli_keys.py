"""`idnode keys` against a played node: the secret once on standard output, and nowhere else."""

from played_node import Said, idnode, played_node, problem

ID = "01a20ca9-9b60-7bf8-8ddf-c13ad95da979"
WARNING = "This secret is shown once; the node keeps its hash only. Store it where secrets are kept.\n"
SHOWN: dict[str, object] = {
    "id": ID,
    "name": "press 3",
    "role": "enterprise",
    "prefixes": ["88.118.8"],
    "hint": "idn_8eTx",
    "replaces": None,
    "version": 1,
    "created": "2026-01-15T09:30:00Z",
    "expires": "2027-01-01T00:00:00Z",
    "revoked": "2026-06-01T00:00:00Z",
    "last_used": None,
}


def test_the_secret_goes_to_standard_output_and_the_warning_beside_it() -> None:
    with played_node() as node:
        node.says("POST /v1/keys", Said(201, SHOWN | {"key": "idn_secret"}))
        ended = idnode(
            "keys", "create", "--name", "press 3", "--role", "enterprise", "--prefix", "88.118.8",
            "--prefix", "88.118.9", "--expires", "2027-01-01T00:00:00Z", node=node,
        )  # fmt: skip

    assert ended.exit == 0
    assert ended.out == "idn_secret\n"
    assert ended.error == f"key {ID} (press 3, enterprise, 88.118.8)\n{WARNING}"
    assert node.asked[0].document == {
        "name": "press 3",
        "role": "enterprise",
        "prefixes": ["88.118.8", "88.118.9"],
        "expires": "2027-01-01T00:00:00Z",
    }


def test_a_key_without_prefixes_and_end_is_asked_for_as_such() -> None:
    with played_node() as node:
        node.says("POST /v1/keys", Said(201, SHOWN | {"key": "idn_secret", "prefixes": []}))
        ended = idnode("keys", "create", "--name", "all", "--role", "reader", "--json", node=node)

    assert ended.document == SHOWN | {"key": "idn_secret", "prefixes": []}
    assert ended.error == WARNING
    assert node.asked[0].document == {"name": "all", "role": "reader", "prefixes": []}


def test_a_list_shows_when_a_key_stops_working() -> None:
    with played_node() as node:
        node.says("GET /v1/keys", Said(200, {"items": [SHOWN], "next": None}))
        ended = idnode("keys", "list", node=node)

    rows = [" ".join(line.split()) for line in ended.out.splitlines() if line.strip() and "─" not in line]
    assert rows == [
        "id name role prefixes works until last used",
        f"{ID} press 3 enterprise 88.118.8 2026-06-01 00:00:00Z",
    ]


def test_the_list_in_json_holds_every_page() -> None:
    with played_node() as node:
        node.says(
            "GET /v1/keys",
            Said(200, {"items": [SHOWN], "next": "c"}),
            Said(200, {"items": [SHOWN | {"name": "b"}], "next": None}),
        )
        ended = idnode("keys", "list", "--json", node=node)

    assert ended.document == {"items": [SHOWN, SHOWN | {"name": "b"}]}


def test_rotation_gives_the_successor_its_overlap() -> None:
    with played_node() as node:
        node.says(f"POST /v1/keys/{ID}/rotate", Said(201, SHOWN | {"key": "idn_next"}))
        ended = idnode("keys", "rotate", ID, "--overlap-seconds", "60", node=node)

    assert ended.out == "idn_next\n"
    assert node.asked[0].document == {"overlap_seconds": 60}


def test_revocation_names_what_was_revoked() -> None:
    with played_node() as node:
        node.says(f"DELETE /v1/keys/{ID}", Said(200, SHOWN))
        ended = idnode("keys", "revoke", ID, node=node)

    assert ended.out == f"revoked {ID} (press 3)\n"
    assert node.asked[0].body == b""


def test_a_key_that_may_not_ends_with_4() -> None:
    with played_node() as node:
        node.says("GET /v1/keys", problem(403, "forbidden", "role reader may not do this; it takes admin"))
        ended = idnode("keys", "list", node=node)

    assert (ended.exit, ended.error) == (4, "idnode: role reader may not do this; it takes admin\n")


def test_an_unknown_key_ends_with_5_and_a_text_that_is_no_id_with_2() -> None:
    with played_node() as node:
        node.says(f"DELETE /v1/keys/{ID}", problem(404, "not-found", f"there is no key {ID}"))

        assert idnode("keys", "revoke", ID, node=node).exit == 5
        assert idnode("keys", "revoke", "press", node=node).exit == 2
