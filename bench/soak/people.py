"""Everybody in the soak: people who sign in, do several things at once, sign out, and are forgotten then."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
from yarl import URL

from bench.servers.front import Front
from bench.servers.signing_in import sign_in
from bench.soak.visits import VISITS, Visitor, WrongAnswerError
from gateway.demo.people import PEOPLE, Person
from tests.support.http_browser import HTTPBrowser

AT_ONCE: Final = 4
"""Things that one person does at the same time."""

_STAYS: Final = (4.0, 15.0)  # seconds
_LONGEST_VISIT: Final = 60.0  # seconds
_UNAUTHORIZED: Final = 401

PERSONS: Final = [person for person in PEOPLE if person.email and not person.private]


class Crowd:
    """Some people, each with a life of their own.

    Args:
        front: the gateway.
        seed: chooses what they do, and when.
        until: when they stop, in monotonic seconds.

    Attributes:
        done: how often each thing was done.
        wrong: what went wrong.
    """

    def __init__(self, front: Front, *, seed: int, until: float) -> None:
        self._front = front
        self._seed = seed
        self._until = until
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def live(self) -> None:
        """Let everybody live until it is time."""
        await asyncio.gather(*(self._life(number, person) for number, person in enumerate(PERSONS)))

    async def _life(self, number: int, person: Person) -> None:
        chance = random.Random(self._seed + number)  # noqa: S311 - no secret
        while time.monotonic() < self._until:
            await self._try("stay", self._stay(person, chance), limit=_STAYS[1] + 2 * _LONGEST_VISIT)

    async def _try(self, what: str, doing: Awaitable[None], *, limit: float = _LONGEST_VISIT) -> None:
        try:
            async with asyncio.timeout(limit):
                await doing
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told at the end
            self.wrong.append(f"{what}: {type(error).__name__}: {error}"[:300])
            await asyncio.sleep(0.1)
        self.done[what] += 1

    async def _stay(self, person: Person, chance: random.Random) -> None:
        """Sign in, do things, sign out."""
        front = self._front
        ends = min(time.monotonic() + chance.uniform(*_STAYS), self._until)
        async with HTTPBrowser() as browser:
            await sign_in(browser, front.url + "/", person)
            cookies = browser.cookies(front.url)
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(
                connector=connector, cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)
            ) as http:
                visitor = Visitor(http=http, url=front.url, told=person.email.lower(), chance=chance)
                await asyncio.gather(*(self._visits(visitor, ends) for _ in range(AT_ONCE)))
                await self._sign_out(browser, http)

    async def _visits(self, visitor: Visitor, ends: float) -> None:
        while time.monotonic() < ends:
            visit = self._choose(visitor.chance)
            await self._try(visit.__name__, visit(visitor))

    def _choose(self, chance: random.Random) -> Callable[[Visitor], Awaitable[None]]:
        return chance.choices(list(VISITS), list(VISITS.values()))[0]

    async def _sign_out(self, browser: HTTPBrowser, http: aiohttp.ClientSession) -> None:
        """Sign out with a WebSocket open: it is cut, and the cookie is nobody's afterwards."""
        url = self._front.url
        async with http.ws_connect(f"{url}/socket/{'0' * 16}") as socket:
            await socket.receive_str()
            await browser.navigate(f"{url}/_gateway/sign-out", method="POST", initiator=URL(url))
            if (heard := await socket.receive(timeout=5)).type is not aiohttp.WSMsgType.CLOSE:
                raise WrongAnswerError(f"a WebSocket outlived its session: {heard!r:.80}")
        async with http.get(f"{url}/_gateway/whoami") as answer:
            if answer.status != _UNAUTHORIZED:
                raise WrongAnswerError(f"{answer.status} for somebody who signed out")
