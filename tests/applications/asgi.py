"""A Starlette application, for uvicorn."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

HERE = Path.cwd()


async def seen(request: Request) -> Response:
    length, digest = 0, hashlib.sha256()
    async for piece in request.stream():
        length += len(piece)
        digest.update(piece)
    with (HERE / "uploads" / "seen").open("ab") as counted:
        counted.write(b".")
    query = request.scope["query_string"].decode()
    target = request.scope["raw_path"].decode() + (f"?{query}" if query else "")
    return JSONResponse(
        {
            "method": request.method,
            "target": target,
            "fields": {name.decode(): value.decode("latin-1") for name, value in request.headers.raw},
            "length": length,
            "sha256": digest.hexdigest(),
        }
    )


async def page(_: Request) -> Response:
    answer = Response("Voilà la réponse.", media_type="text/html")
    answer.headers["X-Application"] = "old"
    answer.headers.append("Set-Cookie", "one=1; Path=/; HttpOnly")
    answer.headers.append("Set-Cookie", "two=2; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT")
    return answer


async def moved(_: Request) -> Response:
    return RedirectResponse("/page?x=%C3%A9", 302)


async def none(_: Request) -> Response:
    return Response(status_code=204)


async def events(_: Request) -> Response:
    async def told() -> AsyncIterator[bytes]:
        yield b"data: first\n\n"
        for _ in range(1000):
            if (HERE / "go").exists():
                break
            await asyncio.sleep(0.01)
        yield b"data: second\n\n"

    return StreamingResponse(told(), media_type="text/event-stream")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            message = await websocket.receive()
            if message.get("text") is not None:
                name = websocket.headers.get("x-proconnect-given-name", "nobody")
                await websocket.send_text(f"{name}: {message['text']}")
            elif message.get("bytes") is not None:
                await websocket.send_bytes(message["bytes"])
            else:
                return
    except WebSocketDisconnect:
        return


application = Starlette(
    routes=[
        Route("/seen", seen, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        Route("/page", page),
        Route("/moved", moved),
        Route("/none", none),
        Route("/events", events),
        WebSocketRoute("/echo", echo),
        Mount("/", StaticFiles(directory=HERE)),
    ]
)
