"""The demo's old application: it knows no OpenID Connect, reads fields, and shows whatever it received.

Every kind of traffic that a gateway must carry has a page here: forms, uploads, streams, slow answers,
WebSockets.
It checks nothing: who may come here is the gateway's business, which is the point of it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import click
from aiohttp import BodyPartReader, WSMsgType, web
from aiohttp.typedefs import Handler
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.demo.received import person_in, read_fields
from gateway.settings.urls import read_listen

HERE: Final = Path(__file__).parent
OWN_COOKIE: Final = "DOSSIERS_VISITE"
CHUNK: Final = 65_536
MOST_EVENTS: Final = 3600
LONGEST_WAIT: Final = 120.0
PASS_TIME: Final = web.AppKey[Callable[[], None] | None]("pass_time")

TEMPLATES: Final = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def make_upstream(*, pass_time: Callable[[], None] | None = None) -> web.Application:
    """The application; it keeps nothing between requests.

    Args:
        pass_time: lets time pass, for the gateway in front too; None where nobody can.
    """
    application = web.Application(middlewares=[_errors])
    application[PASS_TIME] = pass_time
    application.add_routes(
        [
            web.get("/", home),
            web.get("/public/essais", cases),
            web.get("/public/pause", paused),
            web.post("/public/pause", pause),
            web.get("/public/{rest:.*}", public),
            web.get("/private/{rest:.*}", private),
            web.get("/admin/{rest:.*}", admin),
            web.get("/form", form),
            web.post("/form", form),
            web.get("/upload", upload_page),
            web.post("/upload", upload),
            web.put("/upload", upload),
            web.get("/events", events),
            web.get("/ws", websocket),
            web.get("/slow", slow),
            web.route("*", "/api/me", me),
            web.static("/assets", HERE / "static"),
        ]
    )
    return application


async def home(request: web.Request) -> web.Response:
    """Who is there, and every field received."""
    cookies = sorted(request.cookies)
    leaked = [name for name in cookies if "gateway" in name]
    answer = _page(request, "legacy_home.html", cookies=cookies, leaked=leaked)
    answer.set_cookie(OWN_COOKIE, "1", path="/", httponly=True, samesite="Lax")
    return answer


async def public(request: web.Request) -> web.Response:
    """A page for everyone, which knows somebody who is signed in."""
    return _page(request, "legacy_public.html")


async def cases(request: web.Request) -> web.Response:
    """What to try, for somebody who has never seen the gateway: each case a link, and a line."""
    return _page(request, "legacy_cases.html")


async def pause(request: web.Request) -> web.Response:
    """Let as much time pass as ends a session; the page that asks for it stays open beside the next one."""
    pass_time = request.app[PASS_TIME]
    if pass_time is None:
        raise web.HTTPNotFound
    pass_time()
    # A request of its own, for this one's fields still say who was there before.
    raise web.HTTPSeeOther("/public/pause")


async def paused(request: web.Request) -> web.Response:
    """Say that time has passed."""
    return _page(request, "legacy_pause.html")


async def private(request: web.Request) -> web.Response:
    """A deep link: the request target is shown as it arrived."""
    return _page(request, "legacy_private.html", target=request.raw_path, query=list(request.query.items()))


async def admin(request: web.Request) -> web.Response:
    """What nobody should see under the demo's policy."""
    return _page(request, "legacy_admin.html")


async def form(request: web.Request) -> web.Response:
    """A form, and what it sent."""
    sent = await request.post()
    pairs = [(name, str(value)) for name, value in sent.items()]
    can_pass = request.app[PASS_TIME] is not None
    return _page(request, "legacy_form.html", sent=pairs, can_pass=can_pass)


async def upload_page(request: web.Request) -> web.Response:
    """The form that uploads."""
    return _page(request, "legacy_upload.html", received=None)


async def upload(request: web.Request) -> web.Response:
    """Size and SHA-256 of the form's file, as a page, or of any other body, as JSON; none is held whole."""
    digest, size, name = hashlib.sha256(), 0, ""
    is_form = request.content_type.startswith("multipart/")
    async for name, chunk in _parts(request) if is_form else _body(request):  # noqa: B007 - the last name is shown
        digest.update(chunk)
        size += len(chunk)
    received = {"name": name, "size": size, "sha256": digest.hexdigest()}
    return _page(request, "legacy_upload.html", received=received) if is_form else web.json_response(received)


async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events: `count` of them (default 3600), `interval` seconds apart (default 1)."""
    count = int(_number(request, "count", default=MOST_EVENTS, most=MOST_EVENTS))
    interval = _number(request, "interval", default=1, most=LONGEST_WAIT)
    person = person_in(read_fields(request.raw_headers))
    answer = web.StreamResponse(headers={"Cache-Control": "no-store"})
    answer.content_type = "text/event-stream"
    answer.charset = "utf-8"
    await answer.prepare(request)
    with suppress(ConnectionError):  # a browser that leaves is no fault
        for number in range(1, count + 1):
            text = f"id: {number}\ndata: {number} pour {person.name if person else 'personne'}\n\n"
            await answer.write(text.encode())
            await asyncio.sleep(interval)
    return answer


async def websocket(request: web.Request) -> web.StreamResponse:
    """A WebSocket that sends back what it gets; without an upgrade, the page that uses it."""
    socket = web.WebSocketResponse()
    if not socket.can_prepare(request).ok:
        return _page(request, "legacy_live.html")
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


async def slow(request: web.Request) -> web.Response:
    """An answer after `seconds` (default 5)."""
    seconds = _number(request, "seconds", default=5, most=LONGEST_WAIT)
    await asyncio.sleep(seconds)
    return web.Response(text=f"Réponse après {seconds:g} s\n")


async def me(request: web.Request) -> web.Response:
    """Every field line as a [name, value] pair, in the order received, one character a byte."""
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
    return web.json_response(pairs, headers={"Cache-Control": "no-store"})


def _page(request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
    fields = read_fields(request.raw_headers)
    text = TEMPLATES.get_template(template).render(
        person=person_in(fields), fields=fields, path=request.path, **values
    )
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        headers={"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'self'; img-src data:"},
    )


def _number(request: web.Request, name: str, *, default: float, most: float) -> float:
    text = request.query.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= most:
        raise web.HTTPBadRequest(text=f"{name}: un nombre de 0 à {most:g}\n")
    return number


async def _parts(request: web.Request) -> AsyncIterator[tuple[str, bytes]]:
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.filename:
            while chunk := await part.read_chunk(CHUNK):
                yield part.filename, chunk


async def _body(request: web.Request) -> AsyncIterator[tuple[str, bytes]]:
    async for chunk in request.content.iter_chunked(CHUNK):
        yield "", chunk


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return _page(request, "legacy_missing.html", status=404)


@click.command()
@click.option("--listen", default="127.0.0.1:8000", show_default=True, help="Address and port.")
def main(listen: str) -> None:
    """Serve the old application alone, for a gateway that runs elsewhere."""
    address = read_listen(listen)
    web.run_app(make_upstream(), host=address.host, port=address.port, access_log=None, print=None)


if __name__ == "__main__":
    main()
