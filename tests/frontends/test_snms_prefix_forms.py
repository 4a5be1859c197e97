"""ent/config in both forms, and the parameters of pages."""

from typing import Any

import pytest

from idnode.frontends.snms.envelope import SnmsRefusal
from idnode.frontends.snms.pages import PageAsked, span_of
from idnode.frontends.snms.prefixes import hosting_of

SITE = {"entPrefix": "88.118.8", "hdlType": "HS_SITE", "ipType": "4", "ip": "192.0.2.8", "tcpPort": "2641"}


def test_a_server_is_named_by_the_hosted_form_and_a_site_by_the_other() -> None:
    hosted = hosting_of({"proxyServerId": "1", "entPrefixConfig": {"entPrefix": "88.118.8"}})
    prefix, site = hosting_of({"entPrefixConfig": SITE | {"udpPort": "", "httpPort": 8000}})

    assert (hosted[0].text, hosted[1]) == ("88.118.8", None)
    assert prefix.text == "88.118.8"
    assert site is not None
    assert (site.ip, site.tcp_port, site.udp_port, site.http_port) == ("192.0.2.8", 2641, None, 8000)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "缺少必要的请求参数: entPrefixConfig"),
        ([], "请求体必须是 JSON 对象，收到 an array of 0"),
        ({"proxyServerId": "one", "entPrefixConfig": {}}, "缺少必要的请求参数: entPrefixConfig.entPrefix"),
        (
            {"entPrefixConfig": SITE | {"hdlType": "URL"}},
            "entPrefixConfig.hdlType: 必须是 HS_SITE，收到 URL",
        ),
        (
            {"entPrefixConfig": SITE | {"ipType": 6}},
            "entPrefixConfig.ip: 是 IPv4 地址，与 ipType 6 不符，收到 192.0.2.8",
        ),
        (
            {"entPrefixConfig": SITE | {"ip": "fe80::1%eth0", "ipType": 6}},
            "entPrefixConfig.ip: 不是 IPv4 或 IPv6 地址，收到 fe80::1%eth0",
        ),
        (
            {"entPrefixConfig": SITE | {"ipType": 5}},
            "entPrefixConfig.ipType: 必须是枚举值之一：4 IPv4，6 IPv6，收到 5",
        ),
        (
            {"entPrefixConfig": SITE | {"tcpPort": ""}},
            "entPrefixConfig.tcpPort: tcpPort、udpPort、httpPort 至少填写一个",
        ),
        (
            {"entPrefixConfig": SITE | {"tcpPort": "65536"}},
            "entPrefixConfig.tcpPort: 必须是 1 到 65535 的端口，收到 65536",
        ),
        (
            {"entPrefixConfig": SITE | {"entPrefix": "8" * 65}},
            f"entPrefixConfig.entPrefix: 有 65 个字符，最多 64 个，收到 {'8' * 65}",
        ),
        ({"entPrefixConfig": SITE | {"entPrefix": "88..8"}}, "entPrefixConfig.entPrefix: 不是前缀，收到 88..8"),
    ],
)
def test_what_does_not_fit_is_told_with_its_member(document: Any, message: str) -> None:
    with pytest.raises(SnmsRefusal) as caught:
        hosting_of(document)

    assert caught.value.detail.startswith(message)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"currentPage": "0"}, "currentPage 必须是 1 到 1000000 的整数，收到 0"),
        ({"pageSize": "1001"}, "pageSize 必须是 1 到 1000 的整数，收到 1001"),
        ({"pageSize": "-1"}, "pageSize 必须是 1 到 1000 的整数，收到 -1"),
        ({"startDate": "2026-03-01"}, "startDate 必须是 yyyy-MM-dd HH:mm:ss 格式的时间，收到 2026-03-01"),
        ({"startDate": "2026-03-02 00:00:00", "endDate": "2026-03-01 00:00:00"}, "endDate 早于 startDate"),
    ],
)
def test_parameters_of_a_page_are_bounded(sent: dict[str, str], message: str) -> None:
    with pytest.raises(SnmsRefusal) as caught:
        (PageAsked.of(sent.get), span_of(sent.get))

    assert caught.value.detail == message


def test_a_day_in_beijing_is_a_span_in_universal_time_and_what_is_empty_is_not_asked() -> None:
    since, until = span_of({"startDate": "2026-03-01 00:00:00", "endDate": "2026-03-01 23:59:59"}.get)
    asked = PageAsked.of({"currentPage": "", "pageSize": ""}.get)

    assert since is not None
    assert until is not None
    assert (since.isoformat(), until.isoformat()) == ("2026-02-28T16:00:00+00:00", "2026-03-01T15:59:59.999000+00:00")
    assert (asked.number, asked.size, asked.offset) == (1, 10, 0)
