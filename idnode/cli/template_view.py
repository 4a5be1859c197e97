"""Templates for people: the list, and one with its items."""

from collections.abc import Iterable

from idnode.cli.console import show_line, show_table
from idnode.frontends.v1.schemas.templates import ItemIn, TemplateOut


def show_templates(templates: Iterable[TemplateOut]) -> None:
    """Print one line for each template."""
    rows = [
        (each.prefix, each.version, each.title, each.industry, str(len(each.items)), each.state, str(each.revision))
        for each in templates
    ]
    show_table(("prefix", "version", "title", "industry", "items", "state", "revision"), rows)


def show_template(template: TemplateOut) -> None:
    """Print one template, its items and its checks."""
    show_line(
        f"{template.prefix} {template.version}  {template.title}  ({template.state}, revision {template.revision})"
    )
    show_line(f"industry {template.industry}, carrier {template.carrier}")
    if template.description is not None:
        show_line(template.description)
    show_table(("index", "name", "title", "type", "use", "limits"), [_row(item) for item in template.items])
    for check in template.checks:
        show_line(f"check {check.check}: {', '.join(check.items)}")


def _row(item: ItemIn) -> tuple[str, ...]:
    use = "disabled" if not item.enabled else "required" if item.required else ""
    return (str(item.index), item.name, item.title, item.type, use, _limits(item))


def _limits(item: ItemIn) -> str:
    named = {
        "min": _measure(item.minimum, item.unit),
        "max": _measure(item.maximum, item.unit),
        "min length": item.min_length,
        "max length": item.max_length,
        "pattern": item.pattern,
        "options": ", ".join(item.options) or None,
        "checks": ", ".join(item.checks) or None,
    }
    return "; ".join(f"{name} {value}" for name, value in named.items() if value is not None)


def _measure(bound: float | None, unit: str | None) -> str | None:
    return None if bound is None else f"{bound:g} {unit}" if unit else f"{bound:g}"
