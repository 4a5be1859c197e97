"""`idnode serve`: run the node until it is told to stop."""

import uvloop

from idnode.cli.console import show_json, show_line
from idnode.cli.options import ConfigOption, JsonOption
from idnode.cli.running import failures_shown
from idnode.config import environment_settings
from idnode.logs import configure_logs
from idnode.serving import serve as serve_node


def serve(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Run the node until Ctrl-C or SIGTERM.

    Starts the embedded PostgreSQL unless IDNODE_DATABASE_URL names another, migrates, and seeds an empty database.
    IDNODE_WORKERS processes answer requests. SIGHUP reads the settings again and exchanges them for new ones.
    Logs go to standard error. With --json, what it says to people are lines {"message": ...}.
    """
    with failures_shown(as_json=as_json):
        settings = environment_settings(file=config)
        configure_logs(level=settings.log_level, log_format=settings.log_format)
        out = _show_message if as_json else show_line
        uvloop.run(serve_node(settings, reread=lambda: environment_settings(file=config), out=out))


def _show_message(text: str) -> None:
    show_json({"message": text})
