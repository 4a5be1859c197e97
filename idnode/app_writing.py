"""The composition root of what writes many records, gives names, and keeps what lies between records."""

from idnode.app_services import Services
from idnode.frontends.v1.routes import Route


def compose_batches(_: Services) -> tuple[Route, ...]:
    """Batches of rows."""
    return ()


def compose_imports(_: Services) -> tuple[Route, ...]:
    """Imports and exports."""
    return ()


def compose_relations(_: Services) -> tuple[Route, ...]:
    """Reserving, and relations between identifiers."""
    return ()


def compose_naming(_: Services) -> tuple[Route, ...]:
    """Minting, and transfers between enterprises."""
    return ()
