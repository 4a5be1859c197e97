"""`idnode templates`: list, show, define and export templates."""

from typing import Annotated

import orjson
import typer
import uvloop

from idnode.cli.console import failure_document, show_failure, show_json, show_json_bytes, show_line
from idnode.cli.destination import Destination, destination_of
from idnode.cli.errors import NodeRefused
from idnode.cli.exits import EPILOG, Exit, exit_of
from idnode.cli.files import opened
from idnode.cli.node_client import Answer, NodeClient
from idnode.cli.options import JsonOption, KeyOption, UrlOption
from idnode.cli.running import failures_shown
from idnode.cli.template_files import Definition, definition_of, read_definitions
from idnode.cli.template_view import show_template, show_templates
from idnode.frontends.v1.schemas.templates import TemplateOut, TemplatePage
from idnode.model.errors import MalformedInput
from idnode.model.template import TemplateState

FILE_BYTES_MAX = 64 << 20

PrefixOption = Annotated[str | None, typer.Option("--prefix", help="Only templates of this prefix.")]
StateOption = Annotated[TemplateState | None, typer.Option("--state", help="Only templates in this state.")]

templates = typer.Typer(
    name="templates", help="Templates: list, show, define, export.", no_args_is_help=True, epilog=EPILOG
)


@templates.command("list", epilog=EPILOG)
def list_templates(
    prefix: PrefixOption = None,
    state: StateOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the templates that the key may use."""
    with failures_shown(as_json=as_json):
        found = uvloop.run(_all_templates(destination_of(url, key), prefix, state))
    if as_json:
        show_json({"items": [each.model_dump(mode="json", exclude_none=True) for each in found]})
    else:
        show_templates(found)


@templates.command(epilog=EPILOG)
def show(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX")],
    version: Annotated[str, typer.Argument(metavar="VERSION")],
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one template with its items."""
    with failures_shown(as_json=as_json):
        answer = uvloop.run(_template(destination_of(url, key), prefix, version))
        template = answer.as_model(TemplateOut)
    if as_json:
        show_json_bytes(answer.body)
    else:
        show_template(template)


@templates.command(epilog=EPILOG)
def define(
    file: Annotated[str, typer.Argument(metavar="FILE", help="*.toml, or JSON; - reads JSON.")],
    prefix: Annotated[str | None, typer.Option(help="The prefix that owns the template; TOML needs it.")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Define a template, or every template of a JSON array."""
    with failures_shown(as_json=as_json):
        definitions = read_definitions(_text_of(file), is_toml=file.endswith(".toml"), prefix=prefix)
        worst = uvloop.run(_define(destination_of(url, key), definitions, as_json=as_json))
    raise typer.Exit(worst)


@templates.command(epilog=EPILOG)
def export(
    prefix: PrefixOption = None,
    state: StateOption = TemplateState.ACTIVE,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print definitions as a JSON array that `idnode templates define` takes; with --json on one line."""
    with failures_shown(as_json=as_json):
        found = uvloop.run(_all_templates(destination_of(url, key), prefix, state))
    definitions = [definition_of(each) for each in found]
    show_json_bytes(orjson.dumps(definitions, option=0 if as_json else orjson.OPT_INDENT_2))


async def _all_templates(destination: Destination, prefix: str | None, state: str | None) -> list[TemplateOut]:
    query = {name: text for name, text in (("prefix", prefix), ("state", state)) if text is not None}
    async with NodeClient.connected(destination) as client:
        return [each async for page in client.pages(TemplatePage, "templates", query=query) for each in page.items]


async def _template(destination: Destination, prefix: str, version: str) -> Answer:
    async with NodeClient.connected(destination) as client:
        return await client.read("templates", prefix, version)


async def _define(destination: Destination, definitions: list[Definition], *, as_json: bool) -> Exit:
    """Each on its own: one that is refused does not keep the others from being defined."""
    worst = Exit.DONE
    results: list[dict[str, object]] = []
    async with NodeClient.connected(destination) as client:
        for definition in definitions:
            named = f"{definition.get('prefix')} {definition.get('version')}"
            try:
                answer = await client.write("POST", "templates", body=orjson.dumps(definition))
            except NodeRefused as refusal:
                worst = max(worst, exit_of(refusal))
                results.append({"template": named, "defined": False, "problem": failure_document(refusal)})
                show_failure(refusal, as_json=False)
            else:
                results.append({"template": named, "defined": True, "definition": orjson.Fragment(answer.body)})
                if not as_json:
                    show_line(f"defined {named}")
    if as_json:
        show_json({"results": results})
    return worst


def _text_of(name: str) -> str:
    with opened(name) as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise MalformedInput(f"the file is over the limit of {FILE_BYTES_MAX} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedInput(f"the file is not UTF-8: byte {error.start}") from error
