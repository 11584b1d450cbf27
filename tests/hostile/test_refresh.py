"""Sessions that are refreshed, at a provider that turns hostile: who is who it says, and nobody twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import check_output
from typing import Any, Final

import aiohttp
import pytest

from gateway.adapters import now
from gateway.demo.upstream import make_upstream
from gateway.sessions.lease import LIFETIME
from gateway.sessions.refreshing import PATIENCE
from tests.cases import hostile_id_token, hostile_refresh
from tests.support.alterations import ABSENT, Case, changed, cut, id_token, members, says, stalled
from tests.support.clock import Clock
from tests.support.gateway import RunningGateway, Wanted, gateway_process, running_gateway
from tests.support.hostile import Alteration
from tests.support.http_browser import HTTPBrowser
from tests.support.redis_server import RedisServer
from tests.support.serving import served
from tests.support.story import CLIENT, PROTECTED, Story, story

MINUTE: Final = 60
AT_ONCE: Final = 50
OIDC: Final[dict[str, Any]] = {
    "client": {"userinfo_signed_response_alg": None},
    "profile": "oidc",
    "provider": """
token_endpoint_auth_method = "client_secret_post"
scope = ["openid", "email", "given_name"]
refresh = true
refresh_interval = "5m"
""",
}
OTHERWISE: Final = frozenset(
    {
        # A refreshed ID token need not name the nonce, and there is no code (Core 1.0 section 12.2).
        "D4 nonce absent",
        "C6 userinfo",
        "D5 c_hash of another code",
        # An answer too large to be read is none: the session goes on.
        "C7 1 MB",
        # About the time and the issuers of the stage.
        "D3 nbf future",
        "D1 iss another path",
    }
)
"""Rows that refuse a sign-in, and mean nothing or something else here."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Somebody signed in, at a provider that is asked every five minutes, with tokens for one use.

    Args:
        scene: everybody.
        clock: theirs.
    """

    scene: Story
    clock: Clock

    async def sign_in(self) -> None:
        """Sign in; from then on only what is asked about the session counts."""
        assert (await self.scene.sign_in()).status == 200
        self.scene.provider.memory.rotates_after = 0
        self.scene.provider.memory.journal.clear()
        self.scene.provider.journal.clear()
        self.scene.upstream.clear()

    def later(self, seconds: int = 5 * MINUTE) -> None:
        """Let time pass, by default until the session is due."""
        self.clock.time += seconds

    async def visit(self) -> int:
        """The status of a page."""
        return (await self.scene.browser.navigate(self.scene.gateway.url + PROTECTED)).status

    def used(self) -> list[str]:
        """Each refresh token that was used, in order."""
        calls = [call for call in self.scene.provider.journal if call.endpoint == "token"]
        return [call.parameters["refresh_token"] for call in calls]


@asynccontextmanager
async def refreshed(*, clock: Clock | None = None, **wanted: Any) -> AsyncIterator[Refreshed]:
    clock = clock or Clock()
    async with story(clock=clock, **{**OIDC, **wanted}) as scene:
        person = Refreshed(scene, clock)
        await person.sign_in()
        yield person


@pytest.fixture
async def person() -> AsyncIterator[Refreshed]:
    async with refreshed() as person:
        yield person


@pytest.mark.hostile("H1", "H2")
@pytest.mark.parametrize("case", hostile_refresh.CASES.values(), ids=hostile_refresh.CASES)
async def test_a_session_that_the_provider_does_not_stand_by_ends(person: Refreshed, case: Case) -> None:
    scene = person.scene
    scene.provider.alter(case.alteration)
    person.later()

    assert await person.visit() == case.status
    assert (scene.upstream, scene.provider.calls("userinfo"), len(person.used())) == ([], 0, 1)
    (event,) = scene.events("session-ended")
    (signed_in,) = scene.events("sign-in")
    assert (event["why"], event["fault"]) == ("refresh", case.fault.value)
    assert (event["session"], event["app"], event["provider"]) == (signed_in["session"], "app", "default")
    scene.provider.reset()
    assert await person.visit() == 401
    assert person.used() == []


@pytest.mark.hostile("H1")
async def test_an_id_token_that_signs_nobody_in_refreshes_nobody(person: Refreshed) -> None:
    """Each row of sections C and D, at one session after the other."""
    went_on = []
    cases = {
        name: case
        for name, case in hostile_id_token.CASES.items()
        if case.at == "usual" and case.alteration.endpoint == "token" and name not in OTHERWISE
    }
    assert len(cases) > 50
    for name, case in cases.items():
        person.scene.provider.reset()
        browser = await person.scene.another_browser()
        assert (await person.scene.sign_in(browser)).status == 200
        person.scene.provider.alter(case.alteration)
        person.later()
        if (await browser.navigate(person.scene.gateway.url + PROTECTED)).status != 401:
            went_on.append(name)
    assert went_on == [], "\n".join(went_on)


ANSWERS: Final = {
    "as it was": Alteration("token", lambda said, _: said),
    "without id_token": members("token", id_token=ABSENT),
    "without nonce": id_token(nonce=ABSENT),
    "without auth_time": id_token(auth_time=ABSENT),
    "without expires_in": members("token", expires_in=ABSENT),
}


@pytest.mark.hostile("H2", accepted=True)
@pytest.mark.parametrize("alteration", ANSWERS.values(), ids=ANSWERS)
async def test_a_session_that_the_provider_stands_by_goes_on_with_the_next_token(
    person: Refreshed, alteration: Alteration
) -> None:
    person.scene.provider.alter(alteration)
    for _ in range(3):
        person.later()
        assert [await person.visit() for _ in range(3)] == [200] * 3
    assert len(person.used()) == len({*person.used()}) == 3
    assert person.scene.provider.calls("userinfo") == 0
    assert person.scene.events("session-ended") == []


async def test_a_claim_of_the_id_token_takes_its_new_value_for_the_next_request() -> None:
    clock = Clock()
    alterations = (members("discovery", userinfo_endpoint=ABSENT), id_token(email="before@x.example"))
    async with story(*alterations, clock=clock, **OIDC) as scene:
        assert (await scene.sign_in()).status == 200
        scene.provider.alter(id_token(email="after@x.example", acr="eidas3"))
        clock.time += 5 * MINUTE
        page = await scene.browser.navigate(scene.gateway.url + PROTECTED)
        assert "after@x.example" in page.text
        assert "before@x.example" not in page.text
        said = json.loads((await scene.browser.fetch(scene.own("whoami"))).text)["claims"]
        assert said["email"] == "after@x.example"
        # Nobody was authenticated: how the person was stays.
        assert said.get("acr") != "eidas3"


@pytest.mark.hostile("H2", accepted=True)
async def test_a_token_that_is_not_replaced_is_used_again(person: Refreshed) -> None:
    person.scene.provider.memory.rotates_after = 10_000
    person.scene.provider.alter(members("token", refresh_token=ABSENT))
    for _ in range(3):
        person.later()
        assert await person.visit() == 200
    assert len(person.used()) == 3
    assert len({*person.used()}) == 1


AWAY: Final = {
    "500": says("token", status=500),
    "503": says("token", {"error": "temporarily_unavailable"}, status=503),
    "a client that is unknown": says("token", {"error": "invalid_client"}, status=401),
    "no tokens": says("token", "no"),
    "cut": cut("token"),
}


@pytest.mark.hostile("H2", accepted=True)
@pytest.mark.parametrize("alteration", AWAY.values(), ids=AWAY)
async def test_a_provider_that_is_away_ends_nothing_before_its_limit(alteration: Alteration) -> None:
    lifetimes = 'idle_lifetime = "10m"\nabsolute_lifetime = "20m"'
    async with refreshed(sessions=lifetimes) as person:
        person.scene.provider.alter(alteration)
        person.later()
        assert [await person.visit() for _ in range(3)] == [200] * 3
        asked = len(person.used())
        # A connection that broke may have been new; then nothing is sent twice either.
        assert asked == 1
        person.later(MINUTE)
        assert await person.visit() == 200
        assert len(person.used()) == 2
        for _ in range(2):
            person.later(6 * MINUTE)
            assert await person.visit() == 200
        person.later(3 * MINUTE)
        assert await person.visit() == 401
        assert person.scene.events("session-ended") == []


@pytest.mark.hostile("H2")
async def test_a_provider_that_does_not_answer_holds_nobody_up_for_long(person: Refreshed) -> None:
    person.scene.provider.alter(stalled("token"))
    person.later()
    began = asyncio.get_running_loop().time()
    assert await person.visit() == 200
    assert asyncio.get_running_loop().time() - began >= PATIENCE
    person.scene.provider.reset()


@pytest.mark.real
@pytest.mark.hostile("H2")
async def test_fifty_requests_at_two_gateways_use_a_token_once(redis_server: RedisServer) -> None:
    """Round after round: a token that is used again ends the session there, and is seen in the journal."""
    async with refreshed(store=redis_server.url) as person, another_gateway(person, redis_server) as other:
        scene, used = person.scene, []
        fields = {"Cookie": f"gateway={scene.browser.cookies(scene.gateway.url)['gateway']}"}
        async with HTTPBrowser() as browser:
            for _ in range(5):
                person.later()
                scene.provider.journal.clear()
                urls = [(scene.gateway.url, other.url)[n % 2] + PROTECTED for n in range(AT_ONCE)]
                pages = await asyncio.gather(*(browser.fetch(url, fields=fields) for url in urls))
                assert {page.status for page in pages} == {200}
                used += person.used()
        assert len(used) == len({*used}) == 5
        assert [event for event in other.audited() if event["event"] == "session-ended"] == []


@pytest.mark.real
@pytest.mark.hostile("H2")
async def test_a_session_that_one_gateway_ends_ends_at_the_other(redis_server: RedisServer) -> None:
    async with refreshed(store=redis_server.url) as person, another_gateway(person, redis_server) as other:
        scene = person.scene
        fields = {"Cookie": f"gateway={scene.browser.cookies(scene.gateway.url)['gateway']}"}
        scene.provider.alter(says("token", {"error": "invalid_grant"}, status=400))
        person.later()
        async with HTTPBrowser() as browser:
            urls = [(scene.gateway.url, other.url)[n % 2] + PROTECTED for n in range(AT_ONCE)]
            pages = await asyncio.gather(*(browser.fetch(url, fields=fields) for url in urls))
        assert {page.status for page in pages} == {401}
        assert len(person.used()) == 1
        assert len([event for event in other.audited() if event["event"] == "session-ended"]) == 1


@pytest.mark.real
@pytest.mark.parametrize("rotated", [True, False])
async def test_a_gateway_that_is_killed_while_it_asks_holds_nobody_up_and_keeps_nobody_in(
    redis_server: RedisServer, tmp_path: Path, *, rotated: bool
) -> None:
    """The provider may have used the token up; who asks with it again is told that the session is over."""
    often = OIDC["provider"].replace("5m", "1s")
    async with refreshed(clock=Clock(now()), store=redis_server.url, provider=often) as person:
        scene = person.scene
        scene.provider.memory.rotates_after = 0 if rotated else 10_000
        wanted = replace(_like(person, redis_server, scene.gateway.url), provider=often)
        fields = {"Cookie": f"gateway={scene.browser.cookies(scene.gateway.url)['gateway']}"}
        with ExitStack() as stack:
            # In a thread: it asks the provider, which is served by this one.
            starting = gateway_process(wanted, tmp_path)
            killed, program = await asyncio.to_thread(stack.enter_context, starting)
            scene.provider.alter(stalled("token"))
            await asyncio.sleep(1.5)
            asking = asyncio.create_task(scene.browser.fetch(killed.url + PROTECTED, fields=fields))
            async with asyncio.timeout(LIFETIME):
                while not person.used():
                    await asyncio.sleep(0.01)
            workers = check_output(["pgrep", "-P", str(program.pid)], text=True).split()
            for pid in (program.pid, *map(int, workers)):
                os.kill(pid, signal.SIGKILL)
            with pytest.raises(aiohttp.ClientError):
                await asking
        scene.provider.reset()
        person.later()
        async with asyncio.timeout(LIFETIME + PATIENCE):
            while person.used() == []:
                status = await person.visit()
        assert status == (401 if rotated else 200)
        assert await person.visit() == status
        assert len(person.used()) == 1
        assert len(scene.events("session-ended")) == (1 if rotated else 0)


def _like(person: Refreshed, redis: RedisServer, upstream: str) -> Wanted:
    """Settings like those of the first gateway, with the same store."""
    client = {name: getattr(CLIENT, name) for name in CLIENT.__slots__}
    return Wanted(
        issuer=person.scene.provider.issuer,
        client=type(CLIENT)(**changed(client, OIDC["client"])),
        upstream=upstream,
        store=redis.url,
        profile=OIDC["profile"],
        provider=OIDC["provider"],
    )


@asynccontextmanager
async def another_gateway(person: Refreshed, redis: RedisServer) -> AsyncIterator[RunningGateway]:
    """A second gateway with the same settings and store; what both log from now on is in its lines."""
    async with served(make_upstream()) as upstream:
        wanted = _like(person, redis, upstream)
        async with running_gateway(wanted, clock=person.clock) as gateway:
            yield gateway
