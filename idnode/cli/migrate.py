"""`idnode migrate`: bring the database up to this release."""

import uvloop

from idnode.app_database import migrate_database
from idnode.cli.console import show_json, show_line
from idnode.cli.options import ConfigOption, JsonOption
from idnode.cli.running import failures_shown
from idnode.config import environment_settings
from idnode.logs import configure_logs


def migrate(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Apply the pending migrations and print their names. `idnode serve` does so by itself."""
    with failures_shown(as_json=as_json):
        settings = environment_settings(file=config)
        configure_logs(level=settings.log_level, log_format=settings.log_format)
        applied = uvloop.run(migrate_database(settings))
    if as_json:
        show_json({"applied": applied})
        return
    for name in applied or ("nothing to do: the database is up to date",):
        show_line(name)
