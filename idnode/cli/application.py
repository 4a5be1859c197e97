"""The program `idnode`: one Typer application of all commands."""

import io
import sys

import typer

from idnode.cli.check_config import check_config
from idnode.cli.console import show_warning
from idnode.cli.deposit import deposit, restore
from idnode.cli.doctor import doctor
from idnode.cli.exits import EPILOG, Exit
from idnode.cli.export import export
from idnode.cli.handle_admin import handle_admin
from idnode.cli.import_file import import_file, imports
from idnode.cli.keys import keys
from idnode.cli.migrate import migrate
from idnode.cli.register import register
from idnode.cli.report import report
from idnode.cli.resolve import resolve
from idnode.cli.serve import serve
from idnode.cli.signing_key import signing_key
from idnode.cli.simulate_top_node import simulate_top_node
from idnode.cli.snms_user import snms_user
from idnode.cli.sync import sync
from idnode.cli.templates import templates
from idnode.cli.verify import verify
from idnode.cli.version import version

application = typer.Typer(
    name="idnode",
    help="A secondary node of the industrial-internet identifier system: run it, look after it, call it.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    serve, migrate, check_config, doctor, register, imports, export, resolve, restore, simulate_top_node, verify,
    version,
):  # fmt: skip
    application.command(epilog=EPILOG)(command)
application.command(name="import", epilog=EPILOG)(import_file)
application.add_typer(keys)
application.add_typer(templates)
application.add_typer(sync)
application.add_typer(report)
application.add_typer(deposit)
application.add_typer(snms_user)
application.add_typer(handle_admin)
application.add_typer(signing_key)


def main() -> None:
    """Run the command that the arguments name; ends the process with its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names are Chinese as a rule; a terminal of another character set shows escapes rather than nothing.
        sys.stdout.reconfigure(errors="backslashreplace")
    if any(not _is_text(argument) for argument in sys.argv):
        show_warning("idnode: an argument is not UTF-8")
        sys.exit(Exit.USAGE)
    application(prog_name="idnode")


def _is_text(argument: str) -> bool:
    """Python hands bytes that are not UTF-8 on as surrogates, which cannot be sent to a node."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True
