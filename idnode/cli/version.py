"""`idnode version`."""

import platform

from idnode import __version__
from idnode.cli.console import show_json, show_line
from idnode.cli.options import JsonOption


def version(as_json: JsonOption = False) -> None:
    """Print the versions of idnode and of the Python that runs it."""
    if as_json:
        show_json({"idnode": __version__, "python": platform.python_version()})
    else:
        show_line(f"idnode {__version__} (Python {platform.python_version()})")
