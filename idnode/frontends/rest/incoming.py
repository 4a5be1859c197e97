"""The body of a request of the REST interface, bounded in size and time."""

import asyncio

from aiohttp import web

from idnode.model.errors import MalformedInput
from idnode.model.limits import REQUEST_BYTES_MAX

BODY_SECONDS_MAX = 20


async def body_of(request: web.Request) -> bytes:
    """The whole body. Raises MalformedInput."""
    coding = request.headers.get("Content-Encoding", "identity")
    if coding.strip().lower() != "identity":
        raise MalformedInput("send the body without Content-Encoding")
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return await request.read()
    except TimeoutError as error:
        raise MalformedInput(f"the body did not arrive within {BODY_SECONDS_MAX} seconds") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise MalformedInput(f"the body is over the limit of {REQUEST_BYTES_MAX} bytes") from error
    except (ConnectionError, web.RequestPayloadError) as error:
        raise MalformedInput("the body ended before its end") from error
