"""Who may do what: every row of the route table × every kind of caller, on things of 88.118.8."""

from harness import NodeUnderTest
from route_requests import FOREIGN, OWN, TEMPLATE_TITLE, RouteRequests
from stored_rows import places, stored_rows

from idnode.frontends.v1.routes import Route

CALLERS = (
    "nobody",
    "admin",
    "reviewer",
    "own",
    "foreign",
    "reader",
    "reader-own",
    "reader-foreign",
    "revoked",
    "expired",
)
"""own and foreign are enterprise keys for 88.118.8 and for 88.118.9; revoked and expired were admin keys."""

# yes: done, and the answer shows all. public: done, and the answer lacks what only the owner of 88.118.8 may see.
PERMISSIONS = """
                     nobody  admin  reviewer  own  foreign  reader  reader-own  reader-foreign  revoked  expired
register_enterprise  401     yes    403       403  403      403     403         403             401      401
list_enterprises     401     yes    yes       yes  public   yes     yes         public          401      401
read_enterprise      401     yes    yes       yes  403      yes     yes         403             401      401
revise_enterprise    401     yes    403       403  403      403     403         403             401      401
retire_enterprise    401     yes    403       403  403      403     403         403             401      401
register_prefix      401     yes    403       403  403      403     403         403             401      401
list_prefixes        401     yes    yes       yes  public   yes     yes         public          401      401
read_prefix          401     yes    yes       yes  403      yes     yes         403             401      401
revise_prefix        401     yes    yes       403  403      403     403         403             401      401
retire_prefix        401     yes    403       403  403      403     403         403             401      401
make_key             401     yes    403       403  403      403     403         403             401      401
list_keys            401     yes    403       403  403      403     403         403             401      401
read_key             401     yes    403       403  403      403     403         403             401      401
revise_key           401     yes    403       403  403      403     403         403             401      401
rotate_key           401     yes    403       403  403      403     403         403             401      401
revoke_key           401     yes    403       403  403      403     403         403             401      401
define_template      401     yes    403       yes  403      403     403         403             401      401
list_templates       401     yes    yes       yes  public   yes     yes         public          401      401
read_template        401     yes    yes       yes  403      yes     yes         403             401      401
revise_template      401     yes    403       yes  403      403     403         403             401      401
retire_template      401     yes    403       yes  403      403     403         403             401      401
register_identifier  401     yes    403       yes  403      403     403         403             401      401
list_identifiers     401     yes    yes       yes  403      yes     yes         403             401      401
read_identifier      public  yes    yes       yes  public   yes     yes         public          401      401
replace_identifier   401     yes    403       yes  403      403     403         403             401      401
patch_identifier     401     yes    403       yes  403      403     403         403             401      401
suspend_identifier   401     yes    403       yes  403      403     403         403             401      401
read_history         401     yes    yes       yes  403      yes     yes         403             401      401
resolve              public  yes    yes       yes  public   yes     yes         public          401      401
write_batch          401     yes    403       yes  public   403     403         403             401      401
submit_import        401     yes    403       yes  yes      403     403         403             401      401
list_imports         401     yes    403       yes  yes      403     403         403             401      401
read_import          401     yes    403       404  404      403     403         403             401      401
pause_import         401     yes    403       404  404      403     403         403             401      401
resume_import        401     yes    403       404  404      403     403         403             401      401
cancel_import        401     yes    403       404  404      403     403         403             401      401
follow_import        401     yes    403       404  404      403     403         403             401      401
read_verdicts        401     yes    403       404  404      403     403         403             401      401
read_rejected        401     yes    403       404  404      403     403         403             401      401
export_identifiers   401     yes    yes       yes  403      yes     yes         403             401      401
delete_identifier    401     yes    403       yes  403      403     403         403             401      401
restore_identifier   401     yes    403       yes  403      403     403         403             401      401
reserve_identifier   401     yes    403       yes  403      403     403         403             401      401
reserve_identifiers  401     yes    403       yes  public   403     403         403             401      401
relate               401     yes    403       yes  403      403     403         403             401      401
unrelate             401     yes    403       yes  403      403     403         403             401      401
follow_relations     yes     yes    yes       yes  yes      yes     yes         yes             401      401
define_pattern       401     yes    403       yes  403      403     403         403             401      401
list_patterns        401     yes    yes       yes  yes      yes     yes         yes             401      401
read_pattern         401     yes    yes       yes  403      yes     yes         403             401      401
retire_pattern       401     yes    403       yes  403      403     403         403             401      401
mint                 401     yes    403       yes  403      403     403         403             401      401
reserve_range        401     yes    403       yes  403      403     403         403             401      401
list_ranges          401     yes    yes       yes  yes      yes     yes         yes             401      401
read_range           401     yes    yes       yes  403      yes     yes         403             401      401
list_suffixes        401     yes    yes       yes  403      yes     yes         403             401      401
close_range          401     yes    403       yes  403      403     403         403             401      401
request_transfer     401     yes    403       yes  403      403     403         403             401      401
list_transfers       401     yes    yes       yes  yes      yes     yes         yes             401      401
read_transfer        401     yes    yes       yes  403      yes     yes         403             401      401
approve_transfer     401     yes    yes       403  403      403     403         403             401      401
reject_transfer      401     yes    yes       403  403      403     403         403             401      401
cancel_transfer      401     yes    403       yes  403      403     403         403             401      401
list_reviews         401     yes    yes       403  403      403     403         403             401      401
read_review          401     yes    yes       403  403      403     403         403             401      401
approve_review       401     yes    yes       403  403      403     403         403             401      401
reject_review        401     yes    yes       403  403      403     403         403             401      401
list_handle_keys     401     yes    403       yes  403      403     403         403             401      401
give_handle_key      401     yes    403       yes  403      403     403         403             401      401
take_handle_key      401     yes    403       yes  403      403     403         403             401      401
read_signing_key     401     yes    403       yes  403      403     403         403             401      401
give_signing_key     401     yes    403       yes  403      403     403         403             401      401
take_signing_key     401     yes    403       yes  403      403     403         403             401      401
read_operator        401     yes    403       403  403      403     403         403             401      401
describe_operator    401     yes    403       403  403      403     403         403             401      401
read_profile         401     yes    yes       403  403      403     403         403             401      401
describe_profile     401     yes    403       403  403      403     403         403             401      401
register_application 401     yes    403       403  403      403     403         403             401      401
list_applications    401     yes    403       403  403      403     403         403             401      401
read_application     401     yes    403       403  403      403     403         403             401      401
revise_application   401     yes    403       403  403      403     403         403             401      401
retire_application   401     yes    403       403  403      403     403         403             401      401
read_sync            401     yes    yes       403  403      yes     403         403             401      401
run_sync             401     409    403       403  403      403     403         403             401      401
pause_sync           401     yes    403       403  403      403     403         403             401      401
resume_sync          401     yes    403       403  403      403     403         403             401      401
list_sync_records    401     yes    yes       403  403      yes     403         403             401      401
read_sync_record     401     yes    yes       403  403      yes     403         403             401      401
retry_sync_record    401     yes    403       403  403      403     403         403             401      401
retry_sync_records   401     yes    403       403  403      403     403         403             401      401
replay_sync          401     yes    403       403  403      403     403         403             401      401
reconcile_sync       401     409    403       403  403      403     403         403             401      401
list_reconciliations 401     yes    yes       403  403      yes     403         403             401      401
read_reconciliation  401     yes    yes       403  403      yes     403         403             401      401
read_monitoring_status yes   yes    yes       yes  yes      yes     yes         yes             401      401
list_events          401     yes    403       403  403      yes     403         403             401      401
open_event           401     yes    403       403  403      403     403         403             401      401
read_event           401     yes    403       403  403      yes     403         403             401      401
revise_event         401     yes    403       403  403      403     403         403             401      401
close_event          401     yes    403       403  403      403     403         403             401      401
list_stops           401     yes    403       403  403      yes     403         403             401      401
announce_stop        401     yes    403       403  403      403     403         403             401      401
read_monthly_report  401     yes    403       403  403      yes     403         403             401      401
"""
EXPECTED = {
    name: dict(zip(CALLERS, cells, strict=True)) for name, *cells in map(str.split, PERMISSIONS.splitlines()[2:])
}


async def test_every_route_has_its_row_of_permissions(node: NodeUnderTest) -> None:
    assert PERMISSIONS.splitlines()[1].split() == list(CALLERS)
    assert [route.name for route in node.node.routes] == list(EXPECTED)


async def test_every_caller_gets_what_the_table_says(node: NodeUnderTest) -> None:
    requests = await RouteRequests.prepare(node)
    keys = await _keys(node)

    found = {
        route.name: {caller: await _verdict(requests, route, keys[caller]) for caller in CALLERS}
        for route in node.node.routes
    }

    assert _differences(found) == []


async def test_a_refused_caller_writes_nothing(node: NodeUnderTest, dsn: str) -> None:
    requests = await RouteRequests.prepare(node)
    keys = await _keys(node)
    refused = [
        (caller, route.name, await requests.of(route))
        for route in node.node.routes
        for caller in CALLERS
        if route.is_write and EXPECTED[route.name][caller] in ("401", "403")
    ]
    stood = await stored_rows(dsn)

    wrote = []
    for caller, name, request in refused:
        await node.call(request.method, request.path, request.body, key=keys[caller])
        stands = await stored_rows(dsn)
        if stands != stood:
            wrote.append(f"{name} by {caller} wrote {places(stands ^ stood)}")
            stood = stands

    assert wrote == []
    assert len(refused) == 428


async def _keys(node: NodeUnderTest) -> dict[str, str | None]:
    revoked = await node.key("admin")
    assert (await node.call("DELETE", f"/v1/keys/{await _id_of(node, revoked)}")).status == 200
    expired = {"name": "expired", "role": "admin", "expires": "2024-01-01T00:00:00Z"}
    return {
        "nobody": None,
        "admin": node.admin_key,
        "reviewer": await node.key("reviewer"),
        "own": await node.key("enterprise", OWN),
        "foreign": await node.key("enterprise", FOREIGN),
        "reader": await node.key("reader"),
        "reader-own": await node.key("reader", OWN),
        "reader-foreign": await node.key("reader", FOREIGN),
        "revoked": revoked,
        "expired": str((await (await node.call("POST", "/v1/keys", expired)).json())["key"]),
    }


async def _id_of(node: NodeUnderTest, secret: str) -> str:
    keys = (await (await node.call("GET", "/v1/keys")).json())["items"]
    return next(str(key["id"]) for key in keys if secret.startswith(key["hint"]))


async def _verdict(requests: RouteRequests, route: Route, key: str | None) -> str:
    request = await requests.of(route)
    response = await requests.node.call(request.method, request.path, request.body, key=key)
    if response.status not in (200, 201, 202):
        return str(response.status)
    marks = {
        "list_enterprises": f'"id":"{requests.enterprise}"',
        "list_prefixes": f'"prefix":"{OWN}"',
        "list_templates": TEMPLATE_TITLE,
        "read_identifier": '"type":"COST"',
        "resolve": '"type":"COST"',
        "reserve_identifiers": '"code":"reserved"',
        "write_batch": '"code":"registered"',
    }
    return "yes" if marks.get(route.name, "") in await response.text() else "public"


def _differences(found: dict[str, dict[str, str]]) -> list[str]:
    return [
        f"{name} by {caller}: {verdict}, the table says {EXPECTED[name][caller]}"
        for name, row in found.items()
        for caller, verdict in row.items()
        if verdict != EXPECTED[name][caller]
    ]
