"""Real applications behind the gateway see what browsers send, and browsers get what applications answer.

Everything is asked twice, of the application itself and through the gateway. Between the two there is no
difference but the documented one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import unquote

import pytest
from websockets.asyncio.client import connect as websocket

from tests.support.applications import BIG_SIZE, FILE_SIZE, KINDS, Application, Kind, running_application
from tests.support.flows import Answered, gateway_at_demo, sign_in
from tests.support.gateway import RunningGateway
from tests.support.http_browser import HTTPBrowser
from tests.support.raw import RawConnection, connect

pytestmark = pytest.mark.real

NAME = "Éléonore"
WITHIN = 20.0
FRAMING = {"connection", "date", "keep-alive", "transfer-encoding"}
OF_THE_GATEWAY = ("remote-user", "x-proconnect-", "x-forwarded-", "x-request-id")


def of(kinds: Iterable[Kind]) -> pytest.MarkDecorator:
    """For these kinds of application."""
    return pytest.mark.parametrize("application", tuple(kinds), ids=str, indirect=True, scope="module")


@pytest.fixture(scope="module")
def application(request: pytest.FixtureRequest) -> Iterator[Application]:
    kind: Kind = request.param
    with running_application(kind) as running:
        yield running


class Asker:
    """Somebody who is signed in, and asks an application itself, or through the gateway."""

    def __init__(self, application: Application, gateway: RunningGateway, cookie: str) -> None:
        self.application = application
        self.gateway = gateway
        self.cookie = cookie
        self.host = f"localhost:{gateway.port}"

    def head(self, method: str, target: str, *fields: str, through: bool) -> bytes:
        cookie = f"; gateway={self.cookie}" if through else ""
        lines = [
            f"{method} {target} HTTP/1.1",
            f"Host: {self.host}",
            "User-Agent: test",
            f"Cookie: theme=dark{cookie}; lang=fr",
            *fields,
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    async def ask(
        self, method: str, target: str, *fields: str, through: bool, body: bytes = b"", wait: bool = False
    ) -> Answered:
        """Send one request; `wait` holds its body back until it is asked for."""
        async with await connect(self.port(through=through)) as connection:
            await connection.send(self.head(method, target, *fields, through=through))
            if wait:
                assert await connection.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            await connection.send(body)
            if method == "HEAD":
                return Answered.read(await connection.read_until(b"\r\n\r\n"))
            return await answer_of(connection)

    def port(self, *, through: bool) -> int:
        return self.gateway.port if through else self.application.port


async def answer_of(connection: RawConnection) -> Answered:
    answer = Answered.read(await connection.read_message(seconds=WITHIN))
    if answer.fields.get("Transfer-Encoding") != "chunked":
        return answer
    return Answered(answer.status, answer.fields, dechunked(answer.body), answer.octets)


def dechunked(body: bytes) -> bytes:
    pieces, at = list[bytes](), 0
    while True:
        line = body.index(b"\r\n", at)
        size = int(body[at:line], 16)
        if size == 0:
            return b"".join(pieces)
        pieces.append(body[line + 2 : line + 2 + size])
        at = line + 4 + size


@asynccontextmanager
async def asking(application: Application, **wanted: Any) -> AsyncIterator[Asker]:
    async with (
        gateway_at_demo(application.url, **wanted) as (gateway, provider),
        HTTPBrowser() as browser,
    ):
        del provider
        page = await sign_in(browser, f"{gateway.url}/page", "eleonore")
        assert page.status == 200
        yield Asker(application, gateway, browser.cookies(gateway.url)["gateway"])


def kept(answer: Answered) -> list[tuple[str, str]]:
    """The fields that say nothing of the connection."""
    return [(name, value) for name, value in answer.fields.items() if name.lower() not in FRAMING]


ANSWERS: Final[list[tuple[str, str, tuple[str, ...]]]] = [
    ("GET", "/page", ()),
    ("HEAD", "/page", ()),
    ("GET", "/moved", ()),
    ("GET", "/none", ()),
    ("GET", "/file", ()),
    ("GET", "/gone", ()),
]
VALIDATED: Final[list[tuple[str, tuple[str, ...]]]] = [
    ("bytes=10-19", ("Range: bytes=10-19",)),
    ("the last octet", ("Range: bytes=-1",)),
    ("beyond the end", (f"Range: bytes={FILE_SIZE}-",)),
    ("unchanged since", ("If-None-Match: {etag}",)),
    ("changed since", ('If-None-Match: "another"',)),
    ("a range of what it was", ("Range: bytes=0-9", "If-Range: {etag}")),
]


@of(KINDS)
async def test_a_browser_gets_what_the_application_answers(application: Application) -> None:
    async with asking(application) as asker:
        asked = [*ANSWERS]
        etag = (await asker.ask("HEAD", "/file", through=False)).fields.get("ETag", "")
        assert bool(etag) == application.kind.validates
        if application.kind.validates:
            asked += [("GET", "/file", tuple(f.format(etag=etag) for f in fields)) for _, fields in VALIDATED]
        statuses = set()
        for method, target, fields in asked:
            itself = await asker.ask(method, target, *fields, through=False)
            ours = await asker.ask(method, target, *fields, through=True)
            expected = kept(itself)
            if "Cache-Control" not in itself.fields:
                expected += [("Cache-Control", "private"), ("Vary", "Cookie")]
            told = (method, target, fields)
            assert (told, ours.status, kept(ours)) == (told, itself.status, expected)
            assert ours.body == itself.body, told
            statuses.add(ours.status)
        validated = {206, 304, 416} if application.kind.validates else set[int]()
        assert statuses == {200, 204, 302, 404} | validated


@of(KINDS)
async def test_a_big_download_arrives_whole(application: Application) -> None:
    async with asking(application) as asker:
        target = "/big" if application.kind.files else "/file"
        async with await connect(asker.gateway.port) as connection:
            await connection.send(asker.head("GET", target, through=True))
            answer = await answer_of(connection)
        assert answer.body == (application.folder / target[1:]).read_bytes()
        assert len(answer.body) in {FILE_SIZE, BIG_SIZE}


FILE = random.Random(7).randbytes(300_000)  # noqa: S311 - the same each time
FORM = b"nom=L%C3%A9a&ville=Saint-%C3%89tienne"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="piece"; filename="p.bin"\r\n\r\n' + FILE + b"\r\n--b--\r\n"
)
CHUNKED = b"".join(
    b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (FILE[:1], FILE[1:70_000], FILE[70_000:])
)
BODIES: Final[list[tuple[str, tuple[str, ...], bytes, bytes]]] = [
    ("POST", ("Content-Type: application/x-www-form-urlencoded",), FORM, FORM),
    ("POST", ("Content-Type: multipart/form-data; boundary=b",), MULTIPART, MULTIPART),
    ("PUT", ("Content-Type: application/octet-stream",), FILE, FILE),
    ("POST", ("Content-Type: text/plain",), b"", b""),
]


async def both_see(asker: Asker, method: str, target: str, *fields: str, **sent: Any) -> dict[str, Any]:
    """What the application saw through the gateway, once it is known to be what it sees without."""
    itself = json.loads((await asker.ask(method, target, *fields, through=False, **sent)).body)
    ours = json.loads((await asker.ask(method, target, *fields, through=True, **sent)).body)
    without, within = folded(itself.pop("fields")), folded(ours.pop("fields"))
    added = {name: value for name, value in within.items() if name.startswith(OF_THE_GATEWAY)}
    assert ours == itself
    assert {name: value for name, value in within.items() if name not in added} == without
    assert {"remote-user", "x-proconnect-sub", "x-forwarded-for", "x-request-id"} <= added.keys()
    return {**ours, "fields": within}


def folded(fields: dict[str, str]) -> dict[str, str]:
    """The fields in the one spelling that all kinds have in common, but for those of the connection."""
    names = {name.lower().replace("_", "-"): value for name, value in fields.items()}
    left_out = {*FRAMING, "expect", "content-length"}
    return {name: value for name, value in names.items() if name not in left_out and value}


@of(kind for kind in KINDS if kind.sees)
async def test_an_application_sees_what_the_browser_sends(application: Application) -> None:
    async with asking(application) as asker:
        seen = await both_see(asker, "GET", "/seen?a=%20b&c=%C3%A9//x&d", "X-Odd: a  b,c", "Accept: */*")
        assert seen["target"] == "/seen?a=%20b&c=%C3%A9//x&d"
        assert seen["fields"]["cookie"] == "theme=dark; lang=fr"
        for method, fields, body, arrives in BODIES:
            length = f"Content-Length: {len(body)}"
            seen = await both_see(asker, method, "/seen", *fields, length, body=body)
            assert (seen["method"], seen["length"]) == (method, len(arrives))
            assert seen["sha256"] == hashlib.sha256(arrives).hexdigest()
        if application.kind.chunked:
            fields = ("Content-Type: text/plain", "Transfer-Encoding: chunked")
            seen = await both_see(asker, "POST", "/seen", *fields, body=CHUNKED + b"0\r\n\r\n")
            assert seen["sha256"] == hashlib.sha256(FILE).hexdigest()


@of(kind for kind in KINDS if kind.sees)
async def test_a_body_is_asked_for_before_it_is_sent(application: Application) -> None:
    async with asking(application) as asker:
        fields = (f"Content-Length: {len(FILE)}", "Expect: 100-continue", "Content-Type: text/plain")
        answer = await asker.ask("POST", "/seen", *fields, through=True, body=FILE, wait=True)
        assert json.loads(answer.body)["sha256"] == hashlib.sha256(FILE).hexdigest()


@of(kind for kind in KINDS if kind.uploads)
async def test_a_file_server_keeps_what_is_uploaded(application: Application) -> None:
    async with asking(application) as asker:
        chunked = await asker.ask(
            "PUT", "/uploads/a", "Transfer-Encoding: chunked", through=True, body=CHUNKED + b"0\r\n\r\n"
        )
        plain = await asker.ask("PUT", "/uploads/b", f"Content-Length: {len(FILE)}", through=True, body=FILE)
        assert (chunked.status, plain.status) == (201, 201)
        assert [(application.folder / "uploads" / name).read_bytes() for name in "ab"] == [FILE, FILE]


DECODED: Final[dict[str, Callable[[str], str]]] = {
    "percent": unquote,
    "base64": lambda value: base64.b64decode(value).decode(),
    "ascii": {"Eleonore": NAME}.__getitem__,
}


@of(KINDS)
async def test_a_name_arrives_in_each_documented_encoding(application: Application) -> None:
    for encoding in (*DECODED, application.kind.reads):
        async with asking(application, app=f'encoding = "{encoding}"\n') as asker:
            if application.kind.sees:
                answer = await asker.ask("GET", "/seen", through=True)
                value = folded(json.loads(answer.body)["fields"])["x-proconnect-given-name"]
            else:
                value = (await asker.ask("GET", "/name", through=True)).body.decode()
            assert DECODED.get(encoding, str)(value) == NAME, encoding


@of(kind for kind in KINDS if kind.events)
async def test_events_arrive_as_they_are_sent(application: Application) -> None:
    go = application.folder / "go"
    go.unlink(missing_ok=True)
    async with asking(application) as asker, await connect(asker.gateway.port) as connection:
        await connection.send(asker.head("GET", "/events", through=True))
        first = await connection.read_until(b"data: first\n\n", seconds=WITHIN)
        assert b"second" not in first
        go.touch()
        await connection.read_until(b"data: second\n\n", seconds=WITHIN)


@of(kind for kind in KINDS if kind.websocket)
async def test_a_websocket_echoes_and_knows_the_person(application: Application) -> None:
    async with asking(application) as asker:
        fields = {"Cookie": f"gateway={asker.cookie}", "Origin": asker.gateway.url}
        url = f"ws://localhost:{asker.gateway.port}/echo"
        async with websocket(url, additional_headers=fields, proxy=None, compression=None) as socket:
            for text in ("bonjour", "été"):
                await socket.send(text)
                assert unquote(str(await socket.recv())) == f"{NAME}: {text}"
            await socket.send(bytes(range(100)))
            assert await socket.recv() == bytes(range(100))
        assert socket.close_code == 1000
