"""The OpenAPI 3.1 document of the JSON protocol between a node and a top node, built from the tables.

`docs/top-node-openapi.json` is this document; a test holds the two together. To write it again:

    python -c "import sys; from idnode.wire.top_node.openapi import document_json as made; \\
        sys.stdout.buffer.write(made())" > docs/top-node-openapi.json
"""

import orjson

from idnode.model.limits import PREFIX_BYTES_MAX
from idnode.model.reporting import BATCH_RECORDS_MAX, REASON_CHARACTERS_MAX, Purpose, RecordState, Report
from idnode.wire.top_node import message_parts as parts
from idnode.wire.top_node import problems, signing
from idnode.wire.top_node.fields import COUNT_MAX
from idnode.wire.top_node.json_schemas import Json, object_schema
from idnode.wire.top_node.messages import CURSOR_BYTES_MAX, DIGESTS_MAX, VERDICTS_MAX
from idnode.wire.top_node.tables import FIELDS

PROTOCOL_VERSION = "1.0"

_DESCRIPTION = f"""\
How a secondary node (二级节点) reports to a top node (国家顶级节点) in JSON over HTTPS. A schema of idnode's own: the
wire schema of the real channel is not public, the field lists are those of the national access contract (annexes 1 and
2), and nothing here is certified.

Every request is signed. Signed are six lines with a line feed between them: method, target (path and query as in the
request line), app id, timestamp, nonce, and the SHA-256 of the body (before any Content-Encoding) in lower-case hex.
The header `{signing.SIGNATURE}` is `{signing.HMAC_SHA256}` or `{signing.RSA_PSS_SHA256}` (MGF1 with SHA-256, 32 bytes
of salt), a space, and the signature in base64. A timestamp more than {signing.TIMESTAMP_SECONDS_OFF_MAX} s off, and a
nonce that came before, are refused.
"""
_PROBLEM_CODES = {
    "400": "The body is no message: refused as a whole, and again if sent again",
    "401": "Unknown app id or wrong signature; `clock-skew`: the timestamp is off, by the clock of the Date header",
    "403": "The app id may not report for this node",
    "413": "The batch is too large: refused as a whole",
    "422": "The message breaks a rule as a whole; a wrong record is no reason, it gets a verdict of its own",
    "429": "Fewer requests, please: after Retry-After seconds",
    "503": "Not now; after Retry-After seconds where it says so",
}
_SHA256: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_DAY: Json = {"type": "string", "format": "date", "description": "A day of UTC+8"}


def document_json() -> bytes:
    """The document as it is kept in docs/."""
    return orjson.dumps(openapi_document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def openapi_document() -> Json:
    """Paths, messages and tables."""
    tables = {_name_of(report): _table(report) for report in FIELDS}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "idnode: reporting to a top node",
            "version": PROTOCOL_VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "https://top-node.example"}],
        "security": [{"appId": [], "timestamp": [], "nonce": [], "signature": []}],
        "paths": _paths(),
        "components": {
            "schemas": _messages() | tables,
            "responses": {f"Refused{status}": _refusal(status) for status in _PROBLEM_CODES},
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": header}
                for name, header in (
                    ("appId", signing.APP_ID),
                    ("timestamp", signing.TIMESTAMP),
                    ("nonce", signing.NONCE),
                    ("signature", signing.SIGNATURE),
                )
            },
        },
    }


def _paths() -> Json:
    day = {"name": "day", "in": "query", "required": True, "schema": _DAY}
    after = {"type": "string", "maxLength": CURSOR_BYTES_MAX, "default": ""}
    wait = {"type": "integer", "minimum": 0, "maximum": 60, "default": 0}
    prefix = {"type": "string", "minLength": 1, "maxLength": PREFIX_BYTES_MAX}
    post = _operation(
        "deliverBatch", "Tell records of one report, in the order in which they are to be taken.", "Verdicts"
    )
    post["description"] = (
        "Idempotent by record id: a record that is known gets the verdict that it got, with the same receipt. "
        "One verdict for each record, in any order: sent (received, judged later), accepted or rejected."
    )
    post["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref("Batch")}}}
    verdicts = _operation("listVerdicts", "What was judged after a cursor; waits when there is nothing.", "VerdictPage")
    verdicts["description"] = (
        "A verdict may come more than once. The cursor of an empty page is the one that was asked."
    )
    verdicts["parameters"] = [
        {"name": "after", "in": "query", "schema": after, "description": "Empty: from the beginning"},
        {"name": "wait", "in": "query", "schema": wait, "description": "Seconds to wait for the first verdict"},
    ]
    digests = _operation(
        "listDigests", "What is held of a day of T9, by prefix; those without records are absent.", "Digests"
    )
    digests["parameters"] = [day]
    lines = _operation("listLines", "What is held of a prefix and day of T9, by record; empty when nothing.", "Lines")
    lines["parameters"] = [{"name": "prefix", "in": "path", "required": True, "schema": prefix}, day]
    return {
        "/v1/batches": {"post": post},
        "/v1/verdicts": {"get": verdicts},
        "/v1/digests": {"get": digests},
        "/v1/digests/{prefix}": {"get": lines},
    }


def _operation(name: str, summary: str, answer: str) -> Json:
    refusals = {status: {"$ref": f"#/components/responses/Refused{status}"} for status in _PROBLEM_CODES}
    done = {"description": "Done", "content": {"application/json": {"schema": _ref(answer)}}}
    return {"operationId": name, "summary": summary, "responses": {"200": done, **refusals}}


def _refusal(status: str) -> Json:
    refusal: Json = {
        "description": _PROBLEM_CODES[status],
        "content": {problems.PROBLEM_CONTENT_TYPE: {"schema": _ref("Problem")}},
    }
    if status in ("429", "503"):
        refusal["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 0}}}
    return refusal


def _messages() -> Json:
    prefix = _text(PREFIX_BYTES_MAX)
    node = prefix | {"description": "The node's own prefix"}
    purposes: Json = {
        "enum": [*Purpose],
        "description": "report tells, correct replaces the data held, withdraw takes back",
    }
    batch = _object(
        node=node,
        purpose=purposes,
        sent_at={"type": "string", "format": "date-time"},
        records=_list("Record", BATCH_RECORDS_MAX),
    )
    # What is taken back needs no data that is right.
    told: Json = {"properties": {"purpose": {"enum": [Purpose.REPORT, Purpose.CORRECT]}}}
    of_tables: Json = {"properties": {"records": {"items": {"allOf": [_by_report(report) for report in FIELDS]}}}}
    return {
        "Batch": batch | {"if": told, "then": of_tables},
        "Record": _record(),
        "Verdict": _verdict(),
        "Verdicts": _object(verdicts=_list("Verdict", VERDICTS_MAX)),
        "VerdictPage": _object(
            verdicts=_list("Verdict", VERDICTS_MAX), cursor={"type": "string", "maxLength": CURSOR_BYTES_MAX}
        ),
        "Digest": _object(prefix=prefix, day=_DAY, records=_count(COUNT_MAX), sha256=_SHA256)
        | {"description": "SHA-256 over lines `id sha256`, each ended by a line feed, in the order of the ids' bytes"},
        "Digests": _object(digests=_list("Digest", DIGESTS_MAX)),
        "Lines": _object(lines={"type": "object", "additionalProperties": _SHA256})
        | {"description": "By record id the SHA-256 of its data as JSON: members sorted by name, no spaces, UTF-8"},
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string", "description": f"{problems.PROBLEM_TYPE}<code>"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "errors": {"type": "array", "items": {"type": "object"}},
            },
        },
    }


def _record() -> Json:
    record = _object(
        id=_text(parts.ID_BYTES_MAX) | {"description": "node:report:subject:version; the same each time it is sent"},
        report={"enum": list(Report)},
        subject={"type": "string", "maxLength": parts.SUBJECT_BYTES_MAX, "description": "Empty: the node itself"},
        version=_count(parts.VERSION_MAX)
        | {"description": "Of what is told of one subject; a day or month of figures"},
        occurred={"type": "string", "maxLength": parts.MOMENT_BYTES_MAX, "format": "date-time"},
        data={"type": "object", "description": "The fields of the report's table"},
    )
    return record | {"description": "Limits of texts count bytes of UTF-8"}


def _verdict() -> Json:
    states = [RecordState.SENT, RecordState.ACCEPTED, RecordState.REJECTED]
    properties: Json = {
        "id": _text(parts.ID_BYTES_MAX),
        "state": {"enum": states},
        "receipt": {"type": ["string", "null"], "maxLength": parts.RECEIPT_BYTES_MAX},
        "reason": {"type": ["string", "null"], "description": f"{REASON_CHARACTERS_MAX} characters of it are kept"},
    }
    needs = [(RecordState.ACCEPTED, "receipt"), (RecordState.REJECTED, "reason")]
    conditions = [
        {
            "if": {"properties": {"state": {"const": state}}},
            "then": {"required": [name], "properties": {name: {"type": "string", "minLength": 1}}},
        }
        for state, name in needs
    ]
    closed: Json = {"type": "object", "properties": properties, "required": ["id", "state"], "allOf": conditions}
    return closed | {"additionalProperties": False}


def _by_report(report: Report) -> Json:
    return {
        "if": {"properties": {"report": {"const": report}}},
        "then": {"properties": {"data": _ref(_name_of(report))}},
    }


def _table(report: Report) -> Json:
    return {"title": str(report)} | object_schema(FIELDS[report])


def _name_of(report: Report) -> str:
    return "".join(part[0].upper() + part[1:] for part in report.split("-"))


def _object(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _text(characters_max: int) -> Json:
    return {"type": "string", "minLength": 1, "maxLength": characters_max}


def _count(maximum: int) -> Json:
    return {"type": "integer", "minimum": 0, "maximum": maximum}


def _list(name: str, items_max: int) -> Json:
    return {"type": "array", "items": _ref(name), "maxItems": items_max}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
