"""Bodies that the gateway reads itself: whole, bounded in length and time."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.errors import Fault, RequestError, RequestTimeoutError, TooLargeError
from gateway.proxy.framing import NO_BODY, Framing

URLENCODED: Final = "application/x-www-form-urlencoded"
_READING: Final = 10.0  # seconds


async def read_form(
    request: web.Request, *, longest: int, parameters: int, fault: Fault
) -> list[tuple[str, str]]:
    """The parameters in their order, each as often as it came.

    Args:
        request: its body was not read yet.
        longest: octets of the body at most.
        parameters: how many there may be.
        fault: of anything else.

    Raises:
        RequestError: `fault`.
    """
    if request.content_type != URLENCODED or "Content-Encoding" in request.headers:
        raise RequestError(fault, why="no form")
    try:
        body = await read_body(request, most=longest, within=_READING)
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=parameters, errors="strict"
        )
    except RequestError as error:
        raise RequestError(fault, why=error.fault.value) from None
    except ValueError:
        raise RequestError(fault, why="no form") from None


async def read_body(request: web.Request, framing: Framing = NO_BODY, *, most: int, within: float) -> bytes:
    """Read a body whole, as it came.

    Args:
        request: none of its body is read yet.
        framing: whether the browser waits to be told to go on; it does not by default.
        most: octets after which reading stops.
        within: seconds for all of it.

    Raises:
        TooLargeError: form-too-large, as soon as there is more.
        RequestTimeoutError: it took too long.
        RequestError: it is malformed, or was cut off.
    """
    body = bytearray()
    if framing.expects_continue and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        async with asyncio.timeout(within):
            async for data in request.content.iter_any():
                body += data
                if len(body) > most:
                    raise TooLargeError(Fault.FORM_TOO_LARGE, most=most)
    except TimeoutError:
        raise RequestTimeoutError(Fault.REQUEST_SLOW) from None
    except web.RequestPayloadError:
        raise RequestError(Fault.REQUEST_MALFORMED, why="body") from None
    except (OSError, RuntimeError):
        # What aiohttp raises when the browser's connection is gone.
        raise RequestError(Fault.REQUEST_CUT) from None
    return bytes(body)
