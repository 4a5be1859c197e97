"""The way from the top node down: by sites, services and referrals, never in circles, never to where nobody is sent."""

import asyncio
from ipaddress import ip_address

import pytest
from played_servers import (
    LONG_AGO,
    NOW,
    PATIENCE,
    PlayedServer,
    counted_bytes,
    played,
    records,
    told,
    value,
    world,
)

from idnode.frontends.native.recursion import Recursion
from idnode.handle_client.client import World
from idnode.handle_client.errors import RecursionStopped, ServerRefused, ServerUnreachable
from idnode.handle_client.sites import is_public, server_for
from idnode.handle_client.walk import Walk
from idnode.model.errors import NotFound, NotResponsible, Unavailable
from idnode.model.handle_value import HandleValue, TimeToLive
from idnode.model.identifier import Identifier, Prefix
from idnode.resolver.service import VERSION_ELSEWHERE
from idnode.wire.messages.bodies import Referral, ResolutionRequest, text_body
from idnode.wire.messages.codes import ResponseCode
from idnode.wire.messages.message import Message
from idnode.wire.record_json import read_record
from idnode.wire.typed_values.hs_site import (
    HashOption,
    HsSite,
    InterfaceProtocol,
    InterfaceUse,
    SiteInterface,
    SiteServer,
)

URL = value(1, "URL", b"https://example.com/1")
FOUND = {"88.119.7/JX-1": (URL,)}


def walk_from(top: PlayedServer, *, allows_private: bool = True, of: World | None = None) -> Walk:
    return Walk(top.address, of or world(), allows_private=allows_private, patience=PATIENCE)


async def test_the_top_node_tells_the_site_and_is_not_asked_again_while_that_holds() -> None:
    async with played(records(FOUND)) as second, played(records({"0.NA/88.119.7": (second.site(),)})) as top:
        walk = walk_from(top)
        for _ in range(2):
            assert (await walk.resolve("88.119.7/JX-1")).values == (URL,)
        with pytest.raises(ServerRefused, match="code 100"):
            await walk.resolve("88.119.7/NONE")

    assert top.asked == ["0.NA/88.119.7"]
    assert second.asked == ["88.119.7/JX-1", "88.119.7/JX-1", "88.119.7/NONE"]


async def test_where_the_top_node_knows_the_prefix_above_only_the_way_goes_on_from_there() -> None:
    def answer(request: Message) -> list[bytes]:
        return [told(request, ResponseCode.PREFIX_REFERRAL, Referral("", (third.site(),)).encode())]

    async with (
        played(records(FOUND)) as third,
        played(answer) as second,
        played(records({"0.NA/88.119": (second.site(),)})) as top,
    ):
        assert (await walk_from(top).resolve("88.119.7/JX-1")).values == (URL,)

    assert top.asked == ["0.NA/88.119.7", "0.NA/88.119"]
    assert (second.asked, third.asked) == (["88.119.7/JX-1"], ["88.119.7/JX-1"])


async def test_a_service_handle_leads_to_its_sites() -> None:
    async with played(records(FOUND)) as second:
        service = {
            "0.NA/88.119.7": (value(1, "HS_SERV", b"0.SITE/88.119.7"),),
            "0.NA/0.SITE": (),
            "0.SITE/88.119.7": (second.site(),),
        }
        async with played(records(service)) as top:
            service["0.NA/0.SITE"] = (top.site(),)
            assert (await walk_from(top).resolve("88.119.7/JX-1")).values == (URL,)


async def test_a_prefix_that_nobody_answers_for_is_remembered() -> None:
    async with played(records({})) as top:
        walk = walk_from(top)
        for _ in range(2):
            with pytest.raises(NotResponsible, match=r"nobody answers for prefix 88\.119\.7"):
                await walk.resolve("88.119.7/JX-1")

    assert top.asked == ["0.NA/88.119.7", "0.NA/88.119", "0.NA/88"]


async def test_a_circle_of_referrals_ends() -> None:
    def answer(request: Message) -> list[bytes]:
        return [told(request, ResponseCode.SERVICE_REFERRAL, Referral("", (second.site(),)).encode())]

    async with played(answer) as second, played(records({"0.NA/88.119.7": (second.site(),)})) as top:
        with pytest.raises(RecursionStopped, match="in a circle"):
            await walk_from(top).resolve("88.119.7/JX-1")

    assert len(second.asked) == 1


async def test_a_way_without_end_ends() -> None:
    def answer(request: Message) -> list[bytes]:
        number = int(ResolutionRequest.decode(request.body).handle.rpartition("/")[2])
        return [told(request, ResponseCode.SERVICE_REFERRAL, Referral(f"88.119.7/{number + 1}", ()).encode())]

    async with played(answer) as second, played(records({"0.NA/88.119.7": (second.site(),)})) as top:
        with pytest.raises(RecursionStopped, match="more than 12 steps"):
            await walk_from(top).resolve("88.119.7/1")


async def test_nobody_is_sent_to_a_private_address_unless_that_is_allowed() -> None:
    async with played(records(FOUND)) as second, played(records({"0.NA/88.119.7": (second.site(),)})) as top:
        with pytest.raises(RecursionStopped, match=r"the way leads to 127\.0\.0\.1, which is no address of the public"):
            await walk_from(top, allows_private=False).resolve("88.119.7/JX-1")

    assert second.asked == []


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fd00::1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::1", False),
    ],
)
def test_which_addresses_are_of_the_public_internet(address: str, verdict: bool) -> None:
    assert is_public(ip_address(address)) is verdict


@pytest.mark.parametrize(("option", "chosen"), [(HashOption.PREFIX, 3), (HashOption.SUFFIX, 4), (HashOption.WHOLE, 0)])
def test_the_hash_of_the_handle_chooses_the_server(option: HashOption, chosen: int) -> None:
    interface = SiteInterface(InterfaceUse.QUERY, InterfaceProtocol.TCP, 2641)
    servers = tuple(SiteServer(number, ip_address("192.0.2.1"), b"", (interface,)) for number in range(5))
    server = server_for(HsSite(servers=servers, hash_option=option), "88.118.8/jx-1")

    assert server is not None
    assert server.id == chosen


async def test_servers_that_are_silent_cost_their_time_and_no_more() -> None:
    async with played(lambda _: []) as top:
        with pytest.raises(ServerUnreachable, match=r"no answer within 0\.05 seconds"):
            await walk_from(top).resolve("88.119.7/JX-1", seconds_max=0.05)


class Clock:
    """Set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def recursion_from(top: PlayedServer, clock: Clock) -> Recursion:
    walk = walk_from(top, of=World(lambda: float(NOW), clock, counted_bytes))
    return Recursion(walk, Prefix.parse("88.118"), seconds=lambda: float(NOW), monotonic=clock)


async def test_a_record_from_elsewhere_is_kept_as_long_as_its_ttl_says_and_fetched_once_for_all_who_wait() -> None:
    clock, brief = Clock(), HandleValue(1, "URL", b"https://example.com/1", LONG_AGO, TimeToLive(60))
    async with (
        played(records({"88.119.7/JX-1": (brief,)})) as second,
        played(records({"0.NA/88.119.7": (second.site(),)})) as top,
    ):
        recursion = recursion_from(top, clock)
        asked = Identifier.parse("88.119.7/JX-1")
        found = await asyncio.gather(*(recursion.find(asked) for _ in range(5)))
        clock.now = 59.0
        await recursion.find(asked)
        before = len(second.asked)
        clock.now = 60.0
        await recursion.find(asked)

    assert (before, len(second.asked)) == (1, 2)
    assert {one.version for one in found} == {VERSION_ELSEWHERE}
    assert read_record(found[0].document).values == (brief,)


async def test_what_is_not_there_is_remembered_for_a_minute_and_an_own_prefix_is_nobody_elses() -> None:
    clock = Clock()
    async with played(records({})) as second, played(records({"0.NA/88.119.7": (second.site(),)})) as top:
        recursion = recursion_from(top, clock)
        for moment in (0.0, 59.0, 61.0):
            clock.now = moment
            with pytest.raises(NotFound, match="is not registered with the node that answers for its prefix"):
                await recursion.find(Identifier.parse("88.119.7/JX-1"))
        with pytest.raises(NotResponsible, match=r"prefix 88\.118\.999 is not given out"):
            await recursion.find(Identifier.parse("88.118.999/1"))

    assert second.asked == ["88.119.7/JX-1", "88.119.7/JX-1"]


async def test_another_nodes_refusal_is_no_verdict_on_the_identifier() -> None:
    def busy(request: Message) -> list[bytes]:
        return [told(request, ResponseCode.BUSY, text_body("later"))]

    async with played(busy) as second, played(records({"0.NA/88.119.7": (second.site(),)})) as top:
        with pytest.raises(Unavailable, match=r"the node that answers for 88\.119\.7: .* code 3 \(busy\): later"):
            await recursion_from(top, Clock()).find(Identifier.parse("88.119.7/JX-1"))
