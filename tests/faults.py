"""Tables of bad requests: what a refusal says first, so that a table can be compared as a whole."""

import json

from harness import NodeUnderTest

Fault = tuple[int, str | None, str | None, str | None, str | None]
"""Status, and of the first violation: pointer, rule, value, limit."""
Table = dict[str, tuple[bytes, Fault]]
"""By title: a body, and what is wrong with it."""


def fault_of(status: int, body: bytes) -> Fault:
    """What an answer says is wrong; all None where it names no violation. Fails when it is no JSON."""
    violation = json.loads(body).get("errors", [{}])[0]
    pointer, rule, value, limit = (violation.get(name) for name in ("pointer", "rule", "value", "limit"))
    return status, pointer, rule, value, limit


def expected(table: Table) -> dict[str, Fault]:
    """What ought to become of every body of a table."""
    return {title: fault for title, (_, fault) in table.items()}


async def faults(node: NodeUnderTest, method: str, path: str, table: Table) -> dict[str, Fault]:
    """What became of them."""
    headers = {**node.admin, "Content-Type": "application/json"}
    found = {}
    for title, (body, _) in table.items():
        response = await node.client.request(method, path, data=body, headers=headers)
        found[title] = fault_of(response.status, await response.read())
    return found
