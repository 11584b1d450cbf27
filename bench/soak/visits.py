"""What people do behind the gateway: pages, bodies, events, sockets, leaving. Every octet is checked."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp

from bench.errors import CannotMeasureError
from bench.soak.token import PIECE, Body, new_token, pieces, whole

_MEBIBYTE: Final = 1 << 20
_TOLD: Final = "X-Told"


class WrongAnswerError(CannotMeasureError):
    """An answer that this request cannot have had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who is signed in.

    Args:
        http: a client that holds the person's cookie.
        url: the gateway's origin.
        told: what the application is told of the person.
        chance: for sizes and moments.
    """

    http: aiohttp.ClientSession
    url: str
    told: str
    chance: random.Random

    def address(self, *parts: object) -> tuple[str, str]:
        """The address of something with a new token, and that token."""
        token = new_token(secrets.token_bytes)
        return "/".join((self.url, *map(str, parts), token)), token

    def size(self, most: int) -> int:
        """A size; small ones are as frequent as large ones."""
        return int(most ** self.chance.random())

    def check(self, answer: aiohttp.ClientResponse, status: int = 200) -> None:
        """Check status and person.

        Raises:
            WrongAnswerError: one of them is another.
        """
        if answer.status != status or answer.headers.get(_TOLD) != self.told:
            who = answer.headers.get(_TOLD)
            raise WrongAnswerError(f"{answer.status} for {who!r} where {status} for {self.told!r} was due")


async def page(visitor: Visitor) -> None:
    """Get a small page."""
    size = visitor.size(20_000)
    address, token = visitor.address("page", size)
    async with visitor.http.get(address) as answer:
        visitor.check(answer)
        await _read(answer, token, size)


async def download(visitor: Visitor) -> None:
    """Get a large body, with its length or in chunks, at times slowly."""
    size = visitor.size(16 * _MEBIBYTE)
    address, token = visitor.address("download", size)
    query = "?chunked" if visitor.chance.random() < _HALF else ""
    async with visitor.http.get(address + query) as answer:
        visitor.check(answer)
        await _read(answer, token, size, pause=0.001 if visitor.chance.random() < _SELDOM else 0)


async def upload(visitor: Visitor) -> None:
    """Send a body, with its length or in chunks; the application checks it."""
    size = visitor.size(8 * _MEBIBYTE)
    address, token = visitor.address("upload")
    fields = {"Content-Length": str(size)} if visitor.chance.random() < _HALF else {}
    async with visitor.http.post(address, data=_stream(token, size), headers=fields) as answer:
        visitor.check(answer)
        if answer.headers["X-Size"] != str(size):
            raise WrongAnswerError(f"{answer.headers['X-Size']} octets arrived of {size}")
        await _read(answer, token)


async def events(visitor: Visitor) -> None:
    """Hear events, each as it is sent."""
    count = visitor.chance.randrange(5, 100)
    address, token = visitor.address("events", count)
    async with visitor.http.get(address) as answer:
        visitor.check(answer)
        await _read(answer, token)


async def talk(visitor: Visitor) -> None:
    """Say things over a WebSocket, and hear them back."""
    address, token = visitor.address("socket")
    async with visitor.http.ws_connect(address) as socket:
        if await socket.receive_str() != token:
            raise WrongAnswerError("a WebSocket greets somebody else")
        for _ in range(visitor.chance.randrange(1, 200)):
            said = whole(token, visitor.size(30_000))
            await socket.send_bytes(said)
            if (heard := await socket.receive()).data != said:
                raise WrongAnswerError(f"a WebSocket gives back {heard!r:.80}")


async def leave_download(visitor: Visitor) -> None:
    """Leave in the midst of a body."""
    size = 16 * _MEBIBYTE
    address, token = visitor.address("download", size)
    async with visitor.http.get(address) as answer:
        visitor.check(answer)
        body, enough = Body(token), visitor.size(2 * _MEBIBYTE)
        while body.size < enough:
            body.check(await answer.content.readany())
        answer.close()


async def leave_upload(visitor: Visitor) -> None:
    """Leave in the midst of sending one."""
    address, token = visitor.address("upload")
    size = visitor.size(_MEBIBYTE)

    async def part() -> AsyncIterator[bytes]:
        for piece in pieces(token, size):
            yield piece
        raise _LeftError

    try:
        async with visitor.http.post(address, data=part(), headers={"Content-Length": str(2 * size)}):
            raise WrongAnswerError("half of a body was answered")
    except (aiohttp.ClientError, _LeftError):
        pass


async def leave_events(visitor: Visitor) -> None:
    """Leave in the midst of events."""
    address, token = visitor.address("events", 10_000)
    async with visitor.http.get(address) as answer:
        visitor.check(answer)
        body = Body(token)
        for _ in range(visitor.chance.randrange(1, 20)):
            body.check(await answer.content.readany())
        answer.close()


async def unheard(visitor: Visitor) -> None:
    """Ask an application that closes without a word."""
    await _bad_gateway(visitor, "unheard")


async def garbage(visitor: Visitor) -> None:
    """Ask one that says something else than HTTP."""
    await _bad_gateway(visitor, "garbage")


async def cut(visitor: Visitor) -> None:
    """Ask one that ends in the midst of its answer: so must ours."""
    size = visitor.size(_MEBIBYTE)
    address, token = visitor.address("fail/cut", size)
    body = Body(token)
    try:
        async with visitor.http.get(address) as answer:
            if answer.status == _BAD_GATEWAY:
                return
            visitor.check(answer)
            async for data in answer.content.iter_any():
                body.check(data)
    except aiohttp.ClientError:
        return
    raise WrongAnswerError(f"half of an answer was told to be whole: {body.size} octets")


async def early(visitor: Visitor) -> None:
    """Send a body to one that refuses it without reading it."""
    size = visitor.size(1000)
    address, token = visitor.address("fail/early", size)
    try:
        async with visitor.http.post(address, data=_stream(token, 4 * _MEBIBYTE)) as answer:
            visitor.check(answer, 413)
            await _read(answer, token, size)
    except aiohttp.ClientError:
        # The connection may be closed beneath what is still being sent.
        return


_HALF: Final = 0.5
_SELDOM: Final = 0.1
_BAD_GATEWAY: Final = 502

VISITS: Final[dict[Callable[[Visitor], Awaitable[None]], int]] = {
    page: 60,
    download: 6,
    upload: 8,
    events: 4,
    talk: 4,
    leave_download: 4,
    leave_upload: 4,
    leave_events: 3,
    unheard: 3,
    garbage: 2,
    cut: 3,
    early: 2,
}
"""What people do, and how often."""


class _LeftError(Exception):
    """Ends a body midway."""


async def _bad_gateway(visitor: Visitor, how: str) -> None:
    address, _ = visitor.address("fail", how, 0)
    async with visitor.http.get(address) as answer:
        problem = await answer.json(content_type="application/problem+json")
        if answer.status != _BAD_GATEWAY or problem["status"] != _BAD_GATEWAY:
            raise WrongAnswerError(f"{answer.status} from an application that answered nothing")


async def _read(
    answer: aiohttp.ClientResponse, token: str, size: int | None = None, *, pause: float = 0
) -> None:
    body = Body(token)
    async for data in answer.content.iter_chunked(PIECE):
        body.check(data)
        await asyncio.sleep(pause)
    if size is not None and body.size != size:
        raise WrongAnswerError(f"{body.size} octets came of {size}")


async def _stream(token: str, size: int) -> AsyncIterator[bytes]:
    for piece in pieces(token, size):
        yield piece
