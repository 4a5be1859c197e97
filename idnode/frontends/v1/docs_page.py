"""The documentation page: the OpenAPI document as one HTML page that needs neither scripts nor the internet."""

import json
from html import escape
from typing import Any

Json = dict[str, Any]

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 small { font-size: .5em; opacity: .6; font-weight: normal; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
summary { cursor: pointer; padding: .5rem .75rem; display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap; }
details > div { padding: 0 .75rem .75rem; border-top: 1px solid var(--line); }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .6rem; border-radius: 4px; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; border-bottom: 1px solid var(--line); padding: .25rem .5rem .25rem 0; vertical-align: top; }
.method { font-weight: 700; min-width: 4.2rem; display: inline-block; }
.get { color: #2a7de1; } .post { color: #2f8f4e; } .put, .patch { color: #b7791f; } .delete { color: #c0392b; }
nav a { margin-right: 1rem; }
"""


def docs_page(document: Json) -> str:
    """The page for an OpenAPI document as `openapi_document` makes it."""
    info = document["info"]
    sections = [_section(tag, document) for tag in document["tags"]]
    links = " ".join(f'<a href="#{escape(tag["name"])}">{escape(tag["name"])}</a>' for tag in document["tags"])
    schemas = "".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>idnode API</title><style>{_STYLE}</style></head><body>"
        f'<h1>idnode API <small>{escape(info["version"])} · <a href="/v1/openapi.json">openapi.json</a></small></h1>'
        f"<p>{escape(info['summary'])}</p>"
        "<p>Send <code>Authorization: Bearer &lt;key&gt;</code>. Errors are problem documents (RFC 9457) with a stable "
        "<code>type</code> and a JSON pointer to every fault. Every write takes <code>Idempotency-Key</code>, "
        "<code>If-Match</code> and <code>?dry_run=true</code>.</p>"
        f'<nav>{links} <a href="#schemas">schemas</a></nav>{"".join(sections)}'
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
    sent = "" if body is None else f"<p>Body: {_link(body['content']['application/json']['schema'])}</p>"
    return (
        f'<details id="{escape(operation["operationId"])}"><summary>'
        f'<span class="method {method}">{method.upper()}</span><code>{escape(path)}</code>'
        f"<span>{escape(operation['summary'])}</span></summary><div>"
        f"<p>{escape(operation['description'])}</p>{_parameters(operation['parameters'])}{sent}"
        f"{_responses(operation['responses'])}</div></details>"
    )


def _parameters(parameters: list[Json]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td>"
        f"<td>{each['in']}{', required' if each['required'] else ''}</td>"
        f"<td><code>{escape(_short(each['schema']))}</code></td><td>{escape(each.get('description', ''))}</td></tr>"
        for each in parameters
    )
    return f"<table><tr><th>parameter</th><th>in</th><th>type</th><th></th></tr>{rows}</table>"


def _responses(responses: Json) -> str:
    rows = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(response['description'])}</td><td>{_answer(response)}</td></tr>"
        for status, response in sorted(responses.items())
    )
    return f"<table><tr><th>status</th><th></th><th>document</th></tr>{rows}</table>"


def _answer(response: Json) -> str:
    return ", ".join(_link(content["schema"]) for content in response.get("content", {}).values())


def _link(schema: Json) -> str:
    name = escape(schema["$ref"].rpartition("/")[2])
    return f'<a href="#schema-{name}">{name}</a>'


def _schema(name: str, schema: Json) -> str:
    text = escape(json.dumps(schema, ensure_ascii=False, indent=2))
    return (
        f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code></summary><pre>{text}</pre></details>'
    )


def _short(schema: Json) -> str:
    members = {name: value for name, value in schema.items() if name not in ("title", "description")}
    return json.dumps(members, ensure_ascii=False)
