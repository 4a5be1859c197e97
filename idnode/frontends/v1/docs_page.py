"""The documentation page: the OpenAPI document as one HTML page that needs neither scripts nor the internet."""

import json
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from idnode.frontends.problems import KINDS, PROBLEM_TYPE

Json = dict[str, Any]

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_WORDS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "matches <code>{}</code>",
}
"""How the page says a limit of JSON Schema."""

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; max-width: 64rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 small { font-size: .5em; opacity: .6; font-weight: normal; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
h3 { font: bold 1rem ui-monospace, monospace; margin: 1.75rem 0 .25rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
summary { cursor: pointer; padding: .5rem .75rem; display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap; }
summary:hover { background: var(--soft); }
details > div { padding: .25rem .75rem .75rem; border-top: 1px solid var(--line); }
code { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; border-bottom: 1px solid var(--line); padding: .25rem .75rem .25rem 0; vertical-align: top; }
th { font-weight: 600; font-size: .85em; opacity: .7; }
td:first-child { width: 14rem; } td:nth-child(2) { width: 16rem; }
p { margin: .5rem 0; }
.method { font-weight: 700; min-width: 4.2rem; display: inline-block; }
.get { color: #2a7de1; } .post { color: #2f8f4e; } .put, .patch { color: #b7791f; } .delete { color: #c0392b; }
.who { margin-left: auto; font-size: .85em; opacity: .65; }
.required { font-size: .85em; opacity: .7; }
nav { position: sticky; top: 0; background: Canvas; padding: .5rem 0; border-bottom: 1px solid var(--line); }
nav a { margin-right: 1rem; }
[id] { scroll-margin-top: 3.5rem; }
"""


def docs_page(document: Json) -> str:
    """The page for an OpenAPI document as `openapi_document` makes it."""
    info = document["info"]
    names = [tag["name"] for tag in document["tags"]]
    links = " ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in (*names, "problems", "schemas"))
    sections = "".join(_section(tag, document) for tag in document["tags"])
    schemas = "".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>idnode API</title><style>{_STYLE}</style></head><body>"
        f'<h1>idnode API <small>{escape(info["version"])} · <a href="/v1/openapi.json">openapi.json</a></small></h1>'
        f"<p>{escape(info['summary'])}</p>"
        "<p>Send <code>Authorization: Bearer &lt;key&gt;</code>, and bodies with "
        "<code>Content-Type: application/json</code>. Every write takes <code>Idempotency-Key</code>, "
        "<code>If-Match</code> and <code>?dry_run=true</code>. "
        'Refusals are <a href="#problems">problem documents</a>.</p>'
        f"<nav>{links}</nav>{sections}{_problems()}"
        f'<h2 id="schemas">schemas</h2>{schemas}</body></html>'
    )


def _section(tag: Json, document: Json) -> str:
    operations = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag["name"] in operation["tags"]
    ]
    name = escape(tag["name"])
    return f'<h2 id="{name}">{name}</h2><p>{escape(tag["description"])}</p>{"".join(operations)}'


def _operation(method: str, path: str, operation: Json) -> str:
    body = operation.get("requestBody")
    who = "public" if {} in operation["security"] else "key"
    # The id stands inside, so that a link to it opens what is closed around it.
    return (
        f'<details><summary><span class="method {method}">{method.upper()}</span><code>{escape(path)}</code>'
        f'<span>{escape(operation["summary"])}</span><span class="who">{who}</span></summary>'
        f'<div id="{escape(operation["operationId"])}"><p>{escape(operation["description"])}</p>'
        f"{_parameters(operation['parameters'])}{_body(body)}{_responses(operation['responses'])}</div></details>"
    )


def _body(body: Json | None) -> str:
    if body is None:
        return ""
    optional = "" if body["required"] else ", may be absent"
    types = [
        _type(content["schema"]) if media_type == "application/json" else escape(media_type)
        for media_type, content in body["content"].items()
    ]
    return f"<p>Body: {', or '.join(types)}{optional}</p>"


def _parameters(parameters: list[Json]) -> str:
    rows = [
        (
            f"<code>{escape(each['name'])}</code>{_required(is_required=each['required'])}",
            f"{each['in']}, {_type(each['schema'])}",
            _meaning({**each["schema"], "description": each.get("description", each["schema"].get("description", ""))}),
        )
        for each in parameters
    ]
    return _table(("parameter", "in, type", ""), rows)


def _responses(responses: Json) -> str:
    """What was done, row by row; the refusals, which are the same everywhere, in one line."""
    done = {status: response for status, response in responses.items() if status < "400"}
    rows = [
        (escape(status), _answer(response), escape(response["description"]))
        for status, response in sorted(done.items())
    ]
    refused = ", ".join(escape(status) for status in sorted(responses.keys() - done.keys()))
    return (
        _table(("status", "document", ""), rows)
        + f'<p>Otherwise a <a href="#problems">problem document</a>: {refused}.</p>'
    )


def _answer(response: Json) -> str:
    return ", ".join(_type(content["schema"]) for content in response.get("content", {}).values())


def _problems() -> str:
    rows = [
        (f"<code>{escape(error.code)}</code>", str(kind.status), escape(kind.title))
        for error, kind in sorted(KINDS.items(), key=lambda item: (item[1].status, item[0].code))
    ]
    return (
        '<h2 id="problems">problems</h2><p>A refusal is a problem document (RFC 9457), '
        '<code>application/problem+json</code>: <a href="#schema-ProblemOut">ProblemOut</a>. Its <code>type</code> is '
        f"stable: <code>{PROBLEM_TYPE}</code> and a word of this table. <code>errors</code> has the faults, each with "
        "its JSON pointer, the rule, the value and the limit.</p>" + _table(("type", "status", "title"), rows)
    )


def _schema(name: str, schema: Json) -> str:
    described = f"<p>{escape(schema['description'])}</p>" if "description" in schema else ""
    required = schema.get("required", [])
    rows = [
        (
            f"<code>{escape(member)}</code>{_required(is_required=member in required)}",
            _type(inner),
            _meaning(inner),
        )
        for member, inner in schema.get("properties", {}).items()
    ]
    content = _table(("member", "type", ""), rows) if rows else f"<p>{_type(schema)}</p>"
    return f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>{described}{content}'


def _type(schema: Json) -> str:
    """A schema in one line of HTML, with a link to each schema that it names."""
    match schema:
        case {"$ref": str(reference)}:
            name = escape(reference.rpartition("/")[2])
            return f'<a href="#schema-{name}">{name}</a>'
        case {"anyOf": list(choices)}:
            return " or ".join(_type(choice) for choice in choices)
        case {"enum": list(values)}:
            return " | ".join(f"<code>{escape(json.dumps(value, ensure_ascii=False))}</code>" for value in values)
        case {"type": "array", **rest}:
            return f"list of {_type(rest.get('items', {}))}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"object of {_type(values)}"
        case {"type": str(name), **rest}:
            return escape(f"{name} ({rest['format']})" if "format" in rest else name)
        case _:
            return "any JSON"


def _meaning(schema: Json) -> str:
    """What there is to say of a member besides its type: description, limits, default, an example."""
    parts = [escape(schema.get("description", "").removesuffix(".")), *_limits(schema)]
    if "default" in schema and not _is_empty(schema["default"]):
        parts.append(f"default <code>{escape(json.dumps(schema['default'], ensure_ascii=False))}</code>")
    examples = (schema, *schema.get("anyOf", ()))
    parts += [f"such as <code>{escape(str(each['examples'][0]))}</code>" for each in examples if "examples" in each]
    return "; ".join(part for part in parts if part)


def _limits(schema: Json) -> Iterator[str]:
    for each in (schema, *schema.get("anyOf", ()), schema.get("items", {})):
        for keyword, words in _WORDS.items():
            if keyword in ("minLength", "minItems") and each.get(keyword) == 1:
                yield "not empty"
            elif keyword in each:
                yield words.format(escape(str(each[keyword])))


def _is_empty(default: object) -> bool:
    """A default that says nothing: null, an empty list, an object of nulls."""
    return default is None or default == [] or (isinstance(default, dict) and not any(default.values()))


def _required(*, is_required: bool) -> str:
    return ' <span class="required">required</span>' if is_required else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Cells are HTML already; nothing for no rows."""
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    titles = "".join(f"<th>{title}</th>" for title in head)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>" if lines else ""
