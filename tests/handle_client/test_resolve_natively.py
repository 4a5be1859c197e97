"""`idnode resolve --native` and `--recursive`, against played servers: what is printed, and how the command ends."""

import json

import pytest
from played_servers import NOW, played, records, value

from idnode.cli.errors import NodeUnreachable, WrongUsage
from idnode.cli.exits import Exit
from idnode.cli.resolve_natively import resolve_natively, resolve_recursively, server_address, top_address
from idnode.config import Settings
from idnode.handle_client.links import ServerAddress

FOUND = {
    "88.118.8/A": (value(1, "HS_ALIAS", b"88.118.8/JX-1"),),
    "88.118.8/JX-1": (value(1, "URL", b"https://example.com/1"), value(2, "BYTES", b"\0\1")),
}


@pytest.fixture(autouse=True)
def time_of_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their answers would have expired."""
    monkeypatch.setattr("time.time", lambda: float(NOW))


async def test_values_are_shown_in_a_table_and_aliases_with_the_way_they_led(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with played(records(FOUND)) as server:
        ended = await resolve_natively(["88.118.8/A", "88.118.8/NONE"], server.address, as_json=False)
    shown = capsys.readouterr()

    assert ended is Exit.NOT_FOUND
    assert [" ".join(line.split()) for line in shown.out.splitlines() if line.strip() and "─" not in line] == [
        "88.118.8/A -> 88.118.8/JX-1",
        "index type data ttl permissions changed",
        "1 URL https://example.com/1 86400 1110 2001-01-01 00:00:00Z",
        "2 BYTES base64 AAE= 86400 1110 2001-01-01 00:00:00Z",
    ]
    assert shown.err == "idnode: 88.118.8/NONE: the server answers with code 100 (handle not found)\n"


async def test_json_is_that_of_the_handle_interface(capsys: pytest.CaptureFixture[str]) -> None:
    async with played(records(FOUND)) as second, played(records({"0.NA/88.118.8": (second.site(),)})) as top:
        ended = await resolve_recursively(["88.118.8/JX-1"], top.address, allows_private=True, as_json=True)
        refused = await resolve_recursively(["88.118.8/JX-1"], top.address, allows_private=False, as_json=False)
    shown = capsys.readouterr()
    document = json.loads(shown.out)

    assert (ended, refused) == (Exit.DONE, Exit.REFUSED)
    assert (document["responseCode"], document["handle"]) == (1, "88.118.8/JX-1")
    assert [one["data"]["value"] for one in document["values"]] == ["https://example.com/1", "AAE="]
    assert "the way leads to 127.0.0.1, which is no address of the public internet" in shown.err


async def test_a_server_that_is_not_there_ends_the_command() -> None:
    with pytest.raises(NodeUnreachable, match=r"cannot reach 127\.0\.0\.1 port 1"):
        await resolve_natively(["88.118.8/A"], ServerAddress("127.0.0.1", None, 1), as_json=False)


def test_an_address_is_host_and_port_and_the_top_node_is_one_that_is_given() -> None:
    assert server_address("[2001:db8::1]:2641", "--native") == ServerAddress("2001:db8::1", 2641, 2641)
    for wrong in ("", "192.0.2.1", "192.0.2.1:0", "192.0.2.1:99999", "user@192.0.2.1:2641", "192.0.2.1:2641/x"):
        with pytest.raises(WrongUsage, match="--native must be host:port"):
            server_address(wrong, "--native")
    with pytest.raises(WrongUsage, match="give --native host:port or IDNODE_RECURSION_TOP"):
        top_address(None, load=Settings)
    assert top_address(None, load=lambda: Settings(recursion_top="192.0.2.1:3641")).tcp_port == 3641
