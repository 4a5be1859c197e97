"""The commands of `idnode`: run a node, look after it, and call it over HTTP. `main` is the program."""

from idnode.cli.application import main

__all__ = ["main"]
