"""Options that several commands share, each with the one sentence that `--help` says about it."""

from pathlib import Path
from typing import Annotated

import typer

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="IDNODE_URL",
        metavar="URL",
        help="The node to call. Default: where this machine's settings say.",
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="IDNODE_KEY",
        metavar="KEY",
        help="API key; the variable keeps it out of the process list. Default on the node's machine: its admin.key.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable JSON on standard output.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="IDNODE_CONFIG",
        metavar="FILE",
        help="TOML file of settings; IDNODE_* variables win over it.",
    ),
]
