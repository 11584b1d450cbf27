"""The soak's application, on a port that it prints: every body holds the token that the request's path names.

It fails as real ones do, where the path asks for it. Each answer tells the person whom the gateway named.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final, NoReturn

import uvloop
from aiohttp import web

from bench.soak.token import PIECE, Body, MixedUpError, pieces, whole
from tests.support.processes import LOOPBACK

_NAMED: Final = "{token:[0-9a-f]{16}}"
_EVENT_SIZE: Final = 51  # octets: three lines of a token
_EVENT_EVERY: Final = 0.02  # seconds
_ANSWER_SIZE: Final = 340
_UPLOAD_MAX: Final = 1 << 30


def _fields(request: web.Request) -> dict[str, str]:
    return {"X-Told": request.headers.get("Remote-User", ""), "Content-Type": "text/plain"}


async def _page(request: web.Request) -> web.Response:
    size = int(request.match_info["size"])
    return web.Response(body=whole(request.match_info["token"], size), headers=_fields(request))


async def _download(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers=_fields(request))
    size = int(request.match_info["size"])
    if "chunked" not in request.query:
        answer.content_length = size
    await answer.prepare(request)
    for piece in pieces(request.match_info["token"], size):
        await answer.write(piece)
    return answer


async def _upload(request: web.Request) -> web.Response:
    body = Body(request.match_info["token"])
    try:
        async for data in request.content.iter_chunked(PIECE):
            body.check(data)
    except MixedUpError as error:
        return web.Response(status=409, text=str(error))
    fields = {**_fields(request), "X-Size": str(body.size)}
    return web.Response(body=whole(body.token, _ANSWER_SIZE), headers=fields)


async def _events(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={**_fields(request), "Content-Type": "text/event-stream"})
    await answer.prepare(request)
    body = Body(request.match_info["token"])
    for _ in range(int(request.match_info["size"])):
        await answer.write(body.next(_EVENT_SIZE))
        await asyncio.sleep(_EVENT_EVERY)
    return answer


async def _socket(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str(request.match_info["token"])
    async for message in socket:
        await socket.send_bytes(message.data)
    return socket


async def _unheard(request: web.Request) -> NoReturn:
    """Close without a word."""
    raise _aborted(request)


async def _garbage(request: web.Request) -> NoReturn:
    """Say something that is not HTTP."""
    if request.transport is not None:
        request.transport.write(b"220 mail.example.test ESMTP\r\n\r\n")
    await asyncio.sleep(0)
    if request.transport is not None:
        request.transport.close()
    raise ConnectionResetError


async def _cut(request: web.Request) -> NoReturn:
    """Announce twice as much as is sent."""
    answer = web.StreamResponse(headers=_fields(request))
    size = int(request.match_info["size"])
    answer.content_length = 2 * size
    await answer.prepare(request)
    for piece in pieces(request.match_info["token"], size):
        await answer.write(piece)
    raise _aborted(request)


async def _early(request: web.Request) -> web.Response:
    """Refuse a body without reading it."""
    size = int(request.match_info["size"])
    return web.Response(status=413, body=whole(request.match_info["token"], size), headers=_fields(request))


def _aborted(request: web.Request) -> ConnectionResetError:
    if request.transport is not None:
        request.transport.abort()
    return ConnectionResetError()


async def _main() -> None:
    application = web.Application(client_max_size=_UPLOAD_MAX)
    sized = "/{size:\\d+}/" + _NAMED
    application.add_routes(
        [
            web.get("/", lambda _: _nothing()),
            web.get("/page" + sized, _page),
            web.get("/download" + sized, _download),
            web.post("/upload/" + _NAMED, _upload),
            web.get("/events" + sized, _events),
            web.get("/socket/" + _NAMED, _socket),
            web.get("/fail/unheard" + sized, _unheard),
            web.get("/fail/garbage" + sized, _garbage),
            web.get("/fail/cut" + sized, _cut),
            web.post("/fail/early" + sized, _early),
        ]
    )
    # Idle connections are closed early: the gateway has to notice, all the time.
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, keepalive_timeout=2)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0, backlog=1024).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def _nothing() -> web.Response:
    return web.Response()


if __name__ == "__main__":
    uvloop.run(_main())
