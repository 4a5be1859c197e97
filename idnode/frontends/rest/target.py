"""From the path of a request to the handle in it: percent-decoded once, so that %2F and / mean the same. Pure."""

from idnode.frontends.targets import decode_percent

PROXY_PATH = r"/{handle:(?s:(?:[0-9]|[^/]*[.%]).*|[^/]+)}"
"""What the proxy takes: a first segment with a digit in front or a dot or an escape in it, or a single segment.

A prefix has that form. `/v1/resolve` has not: a GET of it must come to the refusal that belongs to its own route.
"""


def handle_in(raw_path: str, *, steps_before: int) -> str:
    """What follows the first `steps_before` steps of the path, decoded. Raises MalformedInput as decode_percent does.

    Steps are counted, not compared: `/%61pi/handles/x` is routed like `/api/handles/x`.
    """
    return decode_percent(raw_path.split("/", steps_before + 1)[steps_before + 1])
