"""Prefixes in SNMS: one, pages of them, and who answers for them (ent/config)."""

from collections.abc import Mapping

from idnode.frontends.snms.boundary import ADMIN, Reads, SnmsCall, SnmsRoute
from idnode.frontends.snms.envelope import SnmsRefusal, missing, ok
from idnode.frontends.snms.form_fields import (
    Faults,
    Fields,
    FormField,
    Wrong,
    address,
    code,
    number,
    port,
    prefix,
    read_members,
    text,
)
from idnode.frontends.snms.pages import PARAMETER_CHARACTERS_MAX, PageAsked, beijing_text, span_of
from idnode.model.access import ApiKey, Role
from idnode.model.errors import Conflict, NotFound, shown
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import APPLIED_FOR, Hosting, PrefixState, SiteEndpoint
from idnode.registry.prefixes import PrefixRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.prefix_pages import PrefixDetail, PrefixEntry, PrefixFilters, PrefixPages

PREFIX_CHARACTERS_MAX = 64
HS_SITE = "HS_SITE"
IP_VERSIONS = {4: "IPv4", 6: "IPv6"}
NOT_HOSTED, APPLIED, REJECTED, HOSTED = 1, 2, 3, 4
"""proxyState."""

_PREFIX = FormField("entPrefix", prefix(PREFIX_CHARACTERS_MAX), is_required=True)
_SITE = (
    _PREFIX,
    FormField("hdlType", text(255), is_required=True),
    FormField("ipType", code(IP_VERSIONS), is_required=True),
    FormField("ip", text(255), is_required=True),
    FormField("tcpPort", port),
    FormField("udpPort", port),
    FormField("httpPort", port),
)


class SnmsPrefixes:
    """Handlers of the prefix routes. `ghr_name` is what the top node is called."""

    def __init__(self, prefixes: PrefixRegistry, pages: PrefixPages, *, ghr_name: str) -> None:
        self._prefixes = prefixes
        self._pages = pages
        self._ghr_name = ghr_name

    def rows(self) -> tuple[SnmsRoute, ...]:
        """The rows of the route table."""
        return (
            SnmsRoute("GET", "/snms/api/prefix/query", "snms-prefix-query", self.query),
            SnmsRoute("GET", "/snms/api/prefix/page", "snms-prefix-page", self.page),
            SnmsRoute("POST", "/snms/api/ent/config", "snms-ent-config", self.configure,
                      ADMIN, Reads.JSON, is_write=True),
        )  # fmt: skip

    async def query(self, call: SnmsCall) -> KeptAnswer:
        """GET /snms/api/prefix/query."""
        asked = Prefix.parse(call.parameter("prefix", characters_max=PREFIX_CHARACTERS_MAX))
        call.key.require_reach(asked)
        found = await self._pages.find(asked)
        if found is None:
            raise NotFound(f"前缀 {asked.text}")
        return ok(self._document(found))

    async def page(self, call: SnmsCall) -> KeptAnswer:
        """GET /snms/api/prefix/page."""

        def parameter(name: str) -> str | None:
            return call.optional_parameter(name, characters_max=PARAMETER_CHARACTERS_MAX)

        asked, (since, until) = PageAsked.of(parameter), span_of(parameter)
        filters = PrefixFilters(
            visible_to(call.key), parameter("entName") or None, parameter("entPrefix") or None, since, until
        )
        found, total = await self._pages.page(filters, offset=asked.offset, limit=asked.size)
        return ok(asked.document([entry_document(each) for each in found], total))

    async def configure(self, call: SnmsCall) -> KeptAnswer:
        """POST /snms/api/ent/config."""
        named, site = hosting_of(call.body)
        hosting = Hosting.HOSTED if site is None else Hosting.SELF
        current = await self._prefixes.find(named)
        if current.state in APPLIED_FOR or current.state is PrefixState.REJECTED:
            raise Conflict(f"企业前缀 {named.text} 尚未审核通过")
        return await self._prefixes.rehost(named, hosting, site, call.asked, lambda _: ok(data=True))

    def _document(self, found: PrefixDetail) -> dict[str, object]:
        entry = found.entry
        return {
            "prefix": entry.prefix.text,
            "createDate": beijing_text(entry.created),
            "ghrName": self._ghr_name,
            "status": entry.state.snms_status,
            "entNameCn": entry.organisation,
            "entWebSite": found.website,
            "entIndustry": found.industry,
            "entAddrCn": found.address,
            "entDesc": found.profile.get("profile"),
        }


def visible_to(key: ApiKey) -> tuple[Prefix, ...] | None:
    """The prefixes that a list shows; None for all of them."""
    return None if key.role is Role.ADMIN else key.prefixes


def entry_document(entry: PrefixEntry) -> dict[str, object]:
    """One line of prefix/page."""
    return {
        "id": entry.number,
        "createDate": beijing_text(entry.created),
        "updateDate": beijing_text(entry.updated),
        "entPrefix": entry.prefix.text,
        "entId": entry.enterprise_number,
        "state": int(entry.state is PrefixState.ACTIVE),
        "entName": entry.organisation,
        "proxyState": _proxy_state(entry),
    }


def hosting_of(document: object) -> tuple[Prefix, SiteEndpoint | None]:
    """The prefix, and its site when the enterprise answers itself. Raises SnmsRefusal with every fault."""
    if not isinstance(document, Mapping):
        raise SnmsRefusal(f"请求体必须是 JSON 对象，收到 {shown(document)}")
    faults = Faults()
    # What tells the two forms apart: hosted names a server, non-hosted a site.
    config = document.get("entPrefixConfig")
    is_hosted = document.get("proxyServerId") not in (None, "")
    if is_hosted:
        read_members((FormField("proxyServerId", number),), document, "", faults)
        found = read_members((_PREFIX,), config, "entPrefixConfig", faults)
    else:
        found = read_members(_SITE, config, "entPrefixConfig", faults)
        _check_site(found, faults)
    faults.refuse_any()
    named = found["entPrefix"]
    if not isinstance(named, Prefix):  # cannot be: what is missing is a fault
        raise missing("entPrefixConfig.entPrefix")
    return named, None if is_hosted else _site(found)


def _check_site(found: Fields, faults: Faults) -> None:
    path = "entPrefixConfig"
    kind = found.get("hdlType", HS_SITE)
    if kind != HS_SITE:
        faults.note(f"{path}.hdlType", Wrong("one-of", f"必须是 {HS_SITE}", HS_SITE), kind)
    sent, version = found.get("ip"), found.get("ipType")
    if isinstance(sent, str):
        ip = address(sent)
        if ip is None:
            faults.note(f"{path}.ip", Wrong("ip-address", "不是 IPv4 或 IPv6 地址"), sent)
        elif version in IP_VERSIONS and ip.version != version:
            faults.note(f"{path}.ip", Wrong("ip-type", f"是 IPv{ip.version} 地址，与 ipType {version} 不符"), sent)
    if found and not {"tcpPort", "udpPort", "httpPort"} & found.keys() and not _has_port_fault(faults):
        faults.note(f"{path}.tcpPort", Wrong("ports", "tcpPort、udpPort、httpPort 至少填写一个"))


def _has_port_fault(faults: Faults) -> bool:
    return any(violation.rule == "port" for violation in faults.violations)


def _site(found: Fields) -> SiteEndpoint:
    ports = [found.get(name) for name in ("tcpPort", "udpPort", "httpPort")]
    tcp, udp, http = (each if isinstance(each, int) else None for each in ports)
    return SiteEndpoint(str(address(str(found["ip"]))), tcp, udp, http)


def _proxy_state(entry: PrefixEntry) -> int:
    if entry.hosting is Hosting.SELF:
        return NOT_HOSTED
    if entry.state in APPLIED_FOR:
        return APPLIED
    return REJECTED if entry.state is PrefixState.REJECTED else HOSTED
