"""One valid request for each row of the route table, each on a thing of its own: what generated tests send."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self

from harness import NodeUnderTest
from stdnum.cn.uscc import calc_check_digit

from idnode.frontends.v1.routes import Route
from idnode.lifecycle import new_id, now
from idnode.model.enterprise_application import CertificateType, EnterpriseApplication, ReviewState
from idnode.model.identifier import Prefix
from idnode.model.reporting import RecordState, Report
from idnode.storage.enterprise_applications import EnterpriseApplicationStore
from idnode.storage.ledger import NewRecord
from idnode.storage.reconciliation import ReconciliationStore
from idnode.storage.sync_records import RecordFilters, SyncRecords

OWN = "88.118.8"
FOREIGN = "88.118.9"
TEMPLATE_TITLE = "自有模板"
ITEM = {"index": 2000, "name": "note", "title": "备注", "type": "string"}
PUBLIC_VALUE = {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/"}}
OWNERS_VALUE = {**PUBLIC_VALUE, "index": 2, "type": "COST", "permissions": "1100"}


@dataclass(frozen=True)
class Parts:
    """What of a request depends on the route; `version` is that of the thing named in the path."""

    path: dict[str, str] = field(default_factory=dict)
    query: str = ""
    body: Any = None
    version: int = 1


@dataclass(frozen=True)
class RouteRequest:
    """A request that would succeed, once, for who may do it."""

    method: str
    path: str
    body: Any
    version: int


@dataclass(frozen=True)
class RouteRequests:
    """Makes requests to a node on which `enterprise` holds 88.118.8, with a template there, and another 88.118.9."""

    node: NodeUnderTest
    enterprise: str
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @classmethod
    async def prepare(cls, node: NodeUnderTest) -> Self:
        """The two enterprises, their prefixes and the template."""
        requests = cls(node, await node.enterprise())
        await node.prefix(OWN, enterprise=requests.enterprise)
        await node.prefix(FOREIGN, enterprise=await node.enterprise(uscc=uscc(0)))
        await made(node, "/v1/templates", template("own"))
        return requests

    async def of(self, route: Route) -> RouteRequest:
        """A request to this route; what it acts on was made just now by the admin."""
        parts = await PARTS[route.name](self, next(self._numbers))
        return RouteRequest(route.method, route.path.format(**parts.path) + parts.query, parts.body, parts.version)


def uscc(number: int) -> str:
    """A unified social credit code that differs for every number."""
    digits = f"91110108{number:09d}"
    return digits + str(calc_check_digit(digits))


def template(version: str) -> dict[str, Any]:
    """A template of 88.118.8 with one item."""
    return {"prefix": OWN, "version": version, "title": TEMPLATE_TITLE, "industry": "C1711", "items": [ITEM]}


async def made(node: NodeUnderTest, path: str, document: Any) -> dict[str, Any]:
    """The document of a thing that the admin makes."""
    response = await node.call("POST", path, document)
    assert response.status == 201, await response.text()
    return dict(await response.json())


def enterprise_form(number: int) -> dict[str, Any]:
    """An enterprise to register."""
    return {"name": f"示例企业 {number}", "uscc": uscc(number), "industry": "C1711"}


def key_form(number: int) -> dict[str, Any]:
    """A key to make."""
    return {"name": f"key {number}", "role": "reader", "prefixes": [OWN]}


def application_form(requests: RouteRequests, number: int) -> dict[str, Any]:
    """An application of the enterprise."""
    return {"enterprise": requests.enterprise, "name": f"应用 {number}", "type": 1}


async def sync_record(node: NodeUnderTest, subject: str, state: RecordState) -> int:
    """The number of a record of the ledger in a state."""
    database = node.node.database
    records = SyncRecords(database)
    await records.add([NewRecord(Report.EVENT, subject, 1, "add", now(), b"{}")])
    [added] = await records.page(RecordFilters(subject=subject), after_number=0, limit=1)
    async with database.session() as session:
        await session.run("UPDATE sync_record SET state = $2 WHERE number = $1", added.number, state)
    return added.number


async def _enterprise(requests: RouteRequests, number: int) -> Parts:
    document = await made(requests.node, "/v1/enterprises", enterprise_form(number))
    return Parts({"id": document["id"]})


async def _prefix(requests: RouteRequests, number: int) -> Parts:
    prefix = f"88.118.{1000 + number}"
    form = {"prefix": prefix, "enterprise": requests.enterprise, "hosting": "hosted", "state": "waiting"}
    await made(requests.node, "/v1/prefixes", form)
    return Parts({"prefix": prefix})


async def _active_prefix(requests: RouteRequests, number: int) -> Parts:
    prefix = f"88.118.{1000 + number}"
    await made(requests.node, "/v1/prefixes", {"prefix": prefix, "enterprise": requests.enterprise})
    return Parts({"prefix": prefix})


async def _key(requests: RouteRequests, number: int) -> Parts:
    return Parts({"id": (await made(requests.node, "/v1/keys", key_form(number)))["id"]})


async def _template(requests: RouteRequests, number: int) -> Parts:
    document = await made(requests.node, "/v1/templates", template(f"made-{number}"))
    return Parts({"prefix": OWN, "version": document["version"]})


async def _identifier(requests: RouteRequests, number: int) -> Parts:
    identifier = f"{OWN}/made-{number}"
    form = {"identifier": identifier, "values": [PUBLIC_VALUE, OWNERS_VALUE]}
    await made(requests.node, "/v1/identifiers", form)
    return Parts({"identifier": identifier})


async def _suspended_identifier(requests: RouteRequests, number: int) -> Parts:
    parts = await _identifier(requests, number)
    response = await requests.node.call("POST", f"/v1/suspend/{parts.path['identifier']}")
    assert response.status == 200, await response.text()
    return Parts(parts.path, version=2)


async def _related_identifier(requests: RouteRequests, number: int) -> Parts:
    parts = await _identifier(requests, number)
    relations = {"relations": [_relation(parts)]}
    response = await requests.node.call("POST", "/v1/relations", relations)
    assert response.status == 200, await response.text()
    return Parts(parts.path, body=relations)


def _relation(parts: Parts) -> dict[str, str]:
    return {"subject": parts.path["identifier"], "kind": "made_from", "object": "88.200.1/ROLL-1"}


async def _relating(requests: RouteRequests, number: int) -> Parts:
    return Parts(body={"relations": [_relation(await _identifier(requests, number))]})


async def _unrelating(requests: RouteRequests, number: int) -> Parts:
    return Parts(body=(await _related_identifier(requests, number)).body)


async def _followed(requests: RouteRequests, number: int) -> Parts:
    return Parts((await _related_identifier(requests, number)).path)


async def _released_name(requests: RouteRequests, number: int) -> Parts:
    """A name that was reserved and given back: one with a version."""
    identifier = f"{OWN}/reserved-{number}"
    for method, path in (("POST", "/v1/reserve"), ("DELETE", "/v1/identifiers")):
        response = await requests.node.call(method, f"{path}/{identifier}")
        assert response.status in (200, 201), await response.text()
    return Parts({"identifier": identifier}, version=2)


async def _import(requests: RouteRequests, number: int) -> Parts:
    row = {"identifier": f"{OWN}/imported-{number}", "values": [PUBLIC_VALUE]}
    response = await requests.node.call("POST", "/v1/imports?format=ndjson", row)
    assert response.status == 202, await response.text()
    return Parts({"id": (await response.json())["id"]})


async def _paused_import(requests: RouteRequests, number: int) -> Parts:
    return await _stepped_import(requests, number, "pause")


async def _cancelled_import(requests: RouteRequests, number: int) -> Parts:
    return await _stepped_import(requests, number, "cancel")


async def _stepped_import(requests: RouteRequests, number: int, step: str) -> Parts:
    parts = await _import(requests, number)
    response = await requests.node.call("POST", f"/v1/imports/{parts.path['id']}/{step}")
    assert response.status == 200, await response.text()
    return Parts(parts.path, version=2)


async def _imported(requests: RouteRequests, number: int) -> Parts:  # noqa: ARG001  # the rows are not read
    return Parts(query="?format=ndjson", body={"identifier": f"{OWN}/imported-{number}", "values": [PUBLIC_VALUE]})


async def _own_enterprise(requests: RouteRequests, number: int) -> Parts:  # noqa: ARG001  # there is one
    return Parts({"id": requests.enterprise})


async def _operator(requests: RouteRequests, number: int) -> Parts:
    version = (await (await requests.node.call("GET", "/v1/operator")).json())["version"]
    return Parts(body={"organisation": {"capital": f"{number} 万元"}, "resolution": []}, version=version)


async def _profile(requests: RouteRequests, number: int) -> Parts:
    parts = await _enterprise(requests, number)
    described = await requests.node.call("PUT", f"/v1/enterprises/{parts.path['id']}/profile", {"organisation": {}})
    assert described.status == 200, await described.text()
    return parts


async def _application(requests: RouteRequests, number: int) -> Parts:
    return Parts({"id": (await made(requests.node, "/v1/applications", application_form(requests, number)))["id"]})


async def _resolution(requests: RouteRequests, number: int) -> Parts:
    parts = await _identifier(requests, number)
    return Parts(body={"identifiers": [parts.path["identifier"]]})


async def _rejected_record(requests: RouteRequests, number: int) -> Parts:
    return Parts({"number": str(await sync_record(requests.node, f"88.118.{number}", RecordState.REJECTED))})


async def _reconciliation(requests: RouteRequests, number: int) -> Parts:  # noqa: ARG001  # it gets its own number
    store = ReconciliationStore(requests.node.node.database)
    asked = await store.ask(now().date(), repair=False, by="test", at=now())
    return Parts({"number": str(asked.number)})


async def _event(requests: RouteRequests, number: int) -> Parts:
    event = {"kind": "attack", "reason": f"attack {number}"}
    return Parts({"id": (await made(requests.node, "/v1/monitoring/events", event))["id"]})


async def _waiting_application(requests: RouteRequests, number: int) -> Parts:
    """Handed in through SNMS, without a user."""
    database, code = requests.node.node.database, uscc(7_000 + number)
    prefix = Prefix.parse(f"88.118.{70_000 + number}")
    store, id, moment = EnterpriseApplicationStore(database), new_id(), now()
    basic = {"orgName": f"示例申请企业 {number}", "orgCrtCode": code, "industryCategory": "C", "industrySpecific": "17"}
    application = EnterpriseApplication(
        id=id,
        number=await store.next_number(),
        enterprise=None,
        applicant="test",
        certificate_type=CertificateType.USCC,
        certificate_code=code,
        organisation=basic["orgName"],
        prefix=prefix,
        state=ReviewState.WAITING,
        reason=None,
        decided_by=None,
        content={"entBasicInfo": basic},
        sealed_password=None,
        warnings=(),
        version=1,
        created=moment,
        updated=moment,
    )
    async with database.transaction() as session:
        await store.insert(session, application)
    return Parts({"id": str(id)})


def pattern_form(number: int) -> dict[str, Any]:
    """A pattern to define."""
    return {"prefix": OWN, "name": f"pattern {number}", "pattern": f"P{number}-{{seq:6}}"}


async def _pattern(requests: RouteRequests, number: int) -> Parts:
    return Parts({"id": (await made(requests.node, "/v1/patterns", pattern_form(number)))["id"]})


async def _range_form(requests: RouteRequests, number: int) -> Parts:
    parts = await _pattern(requests, number)
    return Parts(body={"pattern": parts.path["id"], "size": 10})


async def _range(requests: RouteRequests, number: int) -> Parts:
    form = (await _range_form(requests, number)).body
    return Parts({"id": (await made(requests.node, "/v1/ranges", form))["id"]})


async def _transfer_form(requests: RouteRequests, number: int) -> Parts:
    """To an enterprise that no caller has a key of."""
    parts = await _identifier(requests, number)
    receiver = (await _enterprise(requests, 3_000 + number)).path["id"]
    return Parts(body={"identifiers": [parts.path["identifier"]], "receiver": receiver})


async def _transfer(requests: RouteRequests, number: int) -> Parts:
    form = (await _transfer_form(requests, number)).body
    return Parts({"id": (await made(requests.node, "/v1/transfers", form))["id"]})


MakeParts = Callable[[RouteRequests, int], Awaitable[Parts]]


def _on(thing: MakeParts, body: Any = None) -> MakeParts:
    async def parts(requests: RouteRequests, number: int) -> Parts:
        target = await thing(requests, number)
        return Parts(target.path, body=body, version=target.version)

    return parts


def _with(body: Callable[[RouteRequests, int], Any]) -> MakeParts:
    async def parts(requests: RouteRequests, number: int) -> Parts:
        return Parts(body=body(requests, number))

    return parts


def _plain(query: str = "", **path: str) -> MakeParts:
    async def parts(requests: RouteRequests, number: int) -> Parts:  # noqa: ARG001  # the same every time
        return Parts(path, query)

    return parts


async def _handle_key(requests: RouteRequests, number: int) -> Parts:
    index = 300 + number % 100
    for each in (index, 399 if index == 300 else 300):
        response = await requests.node.call("PUT", f"/v1/handle-admins/{OWN}", {"index": each})
        assert response.status == 200, await response.text()
    version = (await response.json())["version"]
    return Parts({"prefix": OWN, "index": str(index)}, version=version)


async def _signing_key(requests: RouteRequests, number: int) -> Parts:  # noqa: ARG001  # one for a prefix
    response = await requests.node.call("GET", f"/v1/signing-keys/{OWN}")
    if response.status == 404:
        response = await requests.node.call("PUT", f"/v1/signing-keys/{OWN}")
    assert response.status == 200, await response.text()
    return Parts({"prefix": OWN}, version=(await response.json())["version"])


PARTS: dict[str, MakeParts] = {
    "register_enterprise": _with(lambda _, number: enterprise_form(number)),
    "list_enterprises": _plain("?limit=1000"),
    "read_enterprise": _own_enterprise,
    "revise_enterprise": _on(_enterprise, {"website": "https://example.com/"}),
    "retire_enterprise": _enterprise,
    "register_prefix": _with(
        lambda requests, number: {"prefix": f"88.118.{5000 + number}", "enterprise": requests.enterprise}
    ),
    "list_prefixes": _plain("?limit=1000"),
    "read_prefix": _plain(prefix=OWN),
    "revise_prefix": _on(_prefix, {"state": "in_review"}),
    "retire_prefix": _active_prefix,
    "make_key": _with(lambda _, number: key_form(number)),
    "list_keys": _plain("?limit=1000"),
    "read_key": _key,
    "revise_key": _on(_key, {"name": "another name"}),
    "rotate_key": _on(_key, {"overlap_seconds": 60}),
    "revoke_key": _key,
    "define_template": _with(lambda _, number: template(f"defined-{number}")),
    "list_templates": _plain("?limit=1000"),
    "read_template": _plain(prefix=OWN, version="own"),
    "revise_template": _on(_template, {"title": "另一个名称"}),
    "retire_template": _template,
    "register_identifier": _with(
        lambda _, number: {"identifier": f"{OWN}/registered-{number}", "values": [PUBLIC_VALUE, OWNERS_VALUE]}
    ),
    "list_identifiers": _plain(f"?prefix={OWN}&limit=1000"),
    "read_identifier": _identifier,
    "replace_identifier": _on(_identifier, {"values": [PUBLIC_VALUE]}),
    "patch_identifier": _on(_identifier, {"remove": [2]}),
    "delete_identifier": _identifier,
    "suspend_identifier": _identifier,
    "restore_identifier": _suspended_identifier,
    "reserve_identifier": _released_name,
    "reserve_identifiers": _with(lambda _, number: {"identifiers": [f"{OWN}/kept-{number}"]}),
    "write_batch": _with(lambda _, number: {"rows": [{"identifier": f"{OWN}/row-{number}", "values": [PUBLIC_VALUE]}]}),
    "submit_import": _imported,
    "list_imports": _plain("?limit=1000"),
    "read_import": _import,
    "pause_import": _import,
    "resume_import": _paused_import,
    "cancel_import": _import,
    "follow_import": _cancelled_import,
    "read_verdicts": _import,
    "read_rejected": _import,
    "read_history": _identifier,
    "resolve": _resolution,
    "relate": _relating,
    "unrelate": _unrelating,
    "follow_relations": _followed,
    "export_identifiers": _plain("?prefix=88.118.8"),
    "define_pattern": _with(lambda _, number: pattern_form(number)),
    "list_patterns": _plain("?limit=1000"),
    "read_pattern": _pattern,
    "retire_pattern": _pattern,
    "mint": _on(_pattern, {"values": [PUBLIC_VALUE]}),
    "reserve_range": _range_form,
    "list_ranges": _plain("?limit=1000"),
    "read_range": _range,
    "list_suffixes": _range,
    "close_range": _on(_range, {"used": 3}),
    "request_transfer": _transfer_form,
    "list_transfers": _plain("?limit=1000"),
    "read_transfer": _transfer,
    "approve_transfer": _transfer,
    "reject_transfer": _on(_transfer, {"note": "not ours"}),
    "cancel_transfer": _transfer,
    "read_operator": _plain(),
    "describe_operator": _operator,
    "read_profile": _own_enterprise,
    "describe_profile": _on(_profile, {"organisation": {"capital": "500 万元"}}),
    "register_application": _with(application_form),
    "list_applications": _plain("?limit=1000"),
    "read_application": _application,
    "revise_application": _on(_application, {"users": "公众"}),
    "retire_application": _application,
    "list_handle_keys": _handle_key,
    "give_handle_key": _on(_handle_key, {"type": "HS_SECKEY", "index": 301}),
    "take_handle_key": _handle_key,
    "read_signing_key": _signing_key,
    "give_signing_key": _on(_signing_key, {"chain": ["400:88.118/ADMIN"]}),
    "take_signing_key": _signing_key,
    "read_sync": _plain(),
    "run_sync": _plain(),
    "pause_sync": _plain(),
    "resume_sync": _plain(),
    "list_sync_records": _plain("?limit=1000"),
    "read_sync_record": _rejected_record,
    "retry_sync_record": _rejected_record,
    "retry_sync_records": _with(lambda _, number: {"subject": f"88.118.{number}"}),
    "replay_sync": _with(lambda *_: {"since": "2026-01-01T00:00:00Z"}),
    "reconcile_sync": _with(lambda *_: {"day": "2026-01-01"}),
    "list_reconciliations": _plain("?limit=1000"),
    "read_reconciliation": _reconciliation,
    "read_monitoring_status": _plain("?limit=1000"),
    "list_events": _plain("?limit=1000"),
    "open_event": _with(lambda _, number: {"kind": "attack", "reason": f"attack {number}"}),
    "read_event": _event,
    "revise_event": _on(_event, {"remedy": "the sources are blocked"}),
    "close_event": _event,
    "list_stops": _plain("?limit=1000"),
    "announce_stop": _with(
        lambda *_: {"begins": "2026-01-01T00:00:00Z", "ends": "2026-01-01T01:00:00Z", "reason": "upgrade"}
    ),
    "read_monthly_report": _plain(month="2026-01"),
    "list_reviews": _plain("?limit=1000"),
    "read_review": _waiting_application,
    "approve_review": _waiting_application,
    "reject_review": _on(_waiting_application, {"reason": "营业执照缺失"}),
}
"""By route name. A test that walks the route table fails for a route that is not here."""
