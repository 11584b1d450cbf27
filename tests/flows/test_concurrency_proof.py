"""Many people at once, and nobody is ever taken for another: each answer is asked whose it is.

GATEWAY_PROOF_ANSWERS says how many answers the loop goes on for; `make proof` asks for the full number.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

import pytest
from aiohttp.test_utils import make_mocked_request
from redis.asyncio import Redis

from gateway.demo.people import PEOPLE, Person
from gateway.demo.upstream import make_upstream
from gateway.secret import Secret
from gateway.sessions.cookie import SessionCookie, new_cookie
from gateway.sessions.record_cache import RecordCache
from gateway.sessions.redis_records import RedisRecords
from gateway.sessions.seal import Sealer
from gateway.sessions.session import Lifetimes, SignedIn
from gateway.sessions.storage import SessionStorage
from gateway.sessions.summary import Sighting, Summaries
from gateway.sessions.unopened import Unopened
from tests.support.gateway import RunningGateway, Wanted, running_gateway
from tests.support.hostile import Alteration, Hostile, Said
from tests.support.http_browser import HTTPBrowser
from tests.support.processes import LOOPBACK
from tests.support.redis_server import RedisServer
from tests.support.relay import Relay
from tests.support.serving import served
from tests.support.story import CLIENT, Story, story

pytestmark = pytest.mark.real

ANSWERS: Final = int(os.environ.get("GATEWAY_PROOF_ANSWERS", "3000"))
CANCELLED: Final = 10_000
LATE: Final = 0.2  # seconds, at most, of the provider's answers
HOST: Final = "app.example"
NOW: Final = 1_000_000


def crowd(count: int) -> dict[str, Person]:
    """People who differ in all that tells them apart."""
    return {
        f"person-{n}": replace(
            PEOPLE[0], id=f"person-{n}", sub=f"sub-{n}", email=f"person-{n}@example.gouv.fr", private=False
        )
        for n in range(count)
    }


def late(random: Random) -> Any:
    """Lets each answer come after a time of its own, so that they overtake each other."""

    def change(said: Said, _: Hostile) -> Said:
        async def wire(transport: asyncio.Transport) -> None:
            await asyncio.sleep(random.uniform(0, LATE))
            transport.write(
                f"HTTP/1.1 {said.status} OK\r\nContent-Type: {said.content_type}\r\n"
                f"Content-Length: {len(said.body)}\r\nCache-Control: no-store\r\n\r\n".encode()
                + said.body
            )

        return replace(said, wire=wire)

    return change


async def who(browser: HTTPBrowser, gateway: RunningGateway, *, cookie: str | None = None) -> str | None:
    """Whom the application was told about, for a browser; None if it was not asked."""
    fields = {} if cookie is None else {"Cookie": f"gateway={cookie}"}
    page = await browser.fetch(f"{gateway.url}/api/me", fields=fields)
    assert page.status in {200, 401}
    return dict(json.loads(page.text))["X-ProConnect-Sub"] if page.status == 200 else None


async def test_200_people_who_sign_in_at_once_are_each_themselves(redis_server: RedisServer) -> None:
    random = Random("late")  # noqa: S311 - the same in each run
    alterations = [Alteration(endpoint, late(random)) for endpoint in ("token", "userinfo")]
    async with story(*alterations, store=redis_server.url, provider='timeout = "60s"') as scene:
        people = crowd(200)
        scene.provider.memory.people |= people

        scene.provider.memory.code_lifetime = 600
        browsers = {name: await scene.another_browser() for name in people}
        # As far as the callback each takes a turn: what matters is that all the answers are awaited at once.
        callbacks = {name: await scene.answered(browsers[name], person=name) for name in people}

        async def one(name: str) -> str | None:
            assert (await browsers[name].step(callbacks[name])).status == 303
            return await who(browsers[name], scene.gateway)

        subs = await asyncio.gather(*map(one, people))
    assert subs == [person.sub for person in people.values()]


@dataclass
class Reader:
    """One gateway's storage, with so small a cache that it is filled anew all the time."""

    records: RedisRecords
    cache: RecordCache
    storage: SessionStorage


def reader(url: str) -> Reader:
    records = RedisRecords.open(url, limit=5.0)
    sealer = Sealer([Secret("s" * 43)])
    cache = RecordCache(
        records,
        clock=asyncio.get_running_loop().time,
        stale_lifetime=0,
        ended=lambda _: None,
        report=lambda _: None,
        most=20,
    )
    storage = SessionStorage(
        records=records,
        cache=cache,
        sealer=sealer,
        lifetimes=lambda _: Lifetimes(3_600, 43_200),
        summaries=Summaries(sealer, kept=3_600),
        host_of=lambda _: HOST,
        sighting_of=lambda _: Sighting(),
        clock=lambda: NOW,
        random=secrets.token_bytes,
        secure=True,
        report=lambda _: None,
        unopened=Unopened(records, lambda *_: None),
    )
    return Reader(records, cache, storage)


async def test_10_000_requests_that_are_cancelled_anywhere_give_nobody_anothers_session(
    redis_server: RedisServer,
) -> None:
    """Cancelled in each place where they can wait, while Redis answers after up to 50 ms."""
    random, loop = Random("cancelled"), asyncio.get_running_loop()  # noqa: S311 - the same in each run
    async with Relay(redis_server.port, delay=(0, 0.05)) as relay:
        here = reader(f"redis://{LOOPBACK}:{relay.port}/0")
        cookies = [new_cookie(secrets.token_bytes) for _ in range(100)]
        direct = RedisRecords.open(redis_server.url)
        for n, cookie in enumerate(cookies):
            record = cookie.seal(
                _signed_in(cookie, n), sealer=Sealer([Secret("s" * 43)]), random=secrets.token_bytes
            )
            await direct.put(cookie.key, record, lifetime=600)
        await direct.close()

        fields = [{"Cookie": f"__Host-gateway={cookie.value.reveal()}"} for cookie in cookies]
        requests = [make_mocked_request("GET", "/", headers=each) for each in fields]

        async def ask(n: int) -> bool:
            held = await here.storage.load_session(requests[n])
            return isinstance(held.value, SignedIn) and held.value.sub == f"sub-{n}"

        outcomes: Counter[object] = Counter()
        while outcomes[asyncio.CancelledError] < CANCELLED:
            tasks = [asyncio.create_task(ask(random.randrange(len(cookies)))) for _ in range(500)]
            for task in tasks[100:]:
                loop.call_later(random.uniform(0, 0.06), task.cancel)
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            outcomes.update(_told(each) for each in answers)
        await here.storage.close()
        await here.cache.close()
        await here.records.close()

    assert outcomes.keys() == {"True", asyncio.CancelledError}
    assert here.cache.evictions > 1_000
    assert outcomes["True"] > 2_000


def _told(outcome: object) -> object:
    """An outcome as it is counted."""
    return type(outcome) if isinstance(outcome, asyncio.CancelledError) else str(outcome)


def _signed_in(cookie: SessionCookie, n: int) -> SignedIn:
    return SignedIn(
        id=cookie.session_id,
        host=HOST,
        provider="default",
        claims={"sub": f"sub-{n}"},
        id_token=Secret("aaaa.bbbb.cccc"),
        signed_in_at=NOW,
        last_seen=NOW,
    )


@dataclass
class Loop:
    """People who sign in and out again and again at two gateways, while others ask.

    Args:
        story: the first gateway and all around it.
        gateways: both.
        answers: how many there were, by whether somebody was signed in.
    """

    story: Story
    gateways: tuple[RunningGateway, RunningGateway]
    random: Random
    answers: Counter[bool] = field(default_factory=Counter)

    async def live(self, person: Person) -> None:
        browser = await self.story.another_browser()
        while self.answers.total() < ANSWERS:
            assert (await self.story.sign_in(browser, person=person.id)).status == 200
            cookie = browser.cookies(self.story.gateway.url)["gateway"]
            for _ in range(self.random.randrange(1, 60)):
                self.seen(await who(browser, self.random.choice(self.gateways)), person)
            assert (await self.story.press_sign_out(browser)).status in {200, 303}
            # Here at once, elsewhere within a second.
            assert await who(browser, self.gateways[0], cookie=cookie) is None
            async with asyncio.timeout(1):
                while (sub := await who(browser, self.gateways[1], cookie=cookie)) is not None:
                    self.seen(sub, person)

    def seen(self, sub: str | None, person: Person) -> None:
        assert sub == person.sub
        self.answers[True] += 1


@pytest.mark.timeout(1_800)
async def test_in_many_answers_of_two_gateways_each_is_its_own_persons(redis_server: RedisServer) -> None:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(served(make_upstream()))
        scene = await stack.enter_async_context(story(store=redis_server.url, upstream=upstream))
        people = crowd(12)
        scene.provider.memory.people |= people
        wanted = Wanted(
            issuer=scene.provider.issuer, client=CLIENT, upstream=upstream, store=redis_server.url
        )
        other = await stack.enter_async_context(running_gateway(wanted))
        loop = Loop(scene, (scene.gateway, other), Random("loop"))  # noqa: S311 - the same in each run
        emptying = asyncio.create_task(_empty_the_caches(redis_server))
        async with asyncio.TaskGroup() as group:
            for person in people.values():
                group.create_task(loop.live(person))
        emptying.cancel()
    assert loop.answers.total() >= ANSWERS


async def _empty_the_caches(redis_server: RedisServer) -> None:
    """Cut the connections on which gateways hear of endings: nothing that they keep is believed any more."""
    async with Redis(port=redis_server.port) as redis:
        while True:
            await asyncio.sleep(0.5)
            await redis.client_kill_filter(_type="pubsub")
