"""What people and programs see while a part is away, and that it is over by itself once the part is back."""

from __future__ import annotations

import asyncio
import json
from typing import Final

import pytest

from gateway.demo.provider_keys import KeyPair
from gateway.errors import Fault
from tests.support import honest
from tests.support.alterations import ABSENT, Case, id_token, members, says
from tests.support.hostile import Alteration
from tests.support.page import Page
from tests.support.processes import LOOPBACK, free_port
from tests.support.raw import RawUpstream
from tests.support.story import PROTECTED, Story, story

PUBLIC: Final = '[[apps.routes]]\npath = "/public/"\naccess = "public"'


PAGE: Final = "text/html"
PROBLEM: Final = "application/problem+json"  # RFC 9457


def gives_no_hint_of(page: Page, *hidden: str) -> bool:
    return not any(text in page.text for text in hidden)


def told(page: Page, kind: str = PAGE, *, status: int, fault: Fault) -> None:
    """Check an error's answer."""
    assert page.status == status
    assert page.fields["Cache-Control"] == "no-store"
    assert ("Retry-After" in page.fields) == (status == 503)
    assert "Set-Cookie" not in page.fields
    assert "Location" not in page.fields
    assert page.fields["Content-Type"].partition(";")[0] == kind
    if kind == PROBLEM:
        assert json.loads(page.text)["type"].endswith(f":{fault.value}")
    else:
        assert fault.value not in page.text


async def both(scene: Story, path: str) -> list[tuple[Page, str]]:
    """The same path, asked for by a person and by a program at once: the answers, and what each should be."""
    url = scene.gateway.url + path
    pages = await asyncio.gather(scene.browser.navigate(url), scene.browser.fetch(url))
    return list(zip(pages, (PAGE, PROBLEM), strict=True))


# The provider


async def test_a_gateway_starts_without_its_provider_and_says_so() -> None:
    async with story(away=True) as scene:
        assert await scene.gateway.ready() == (503, {"providers.default": "provider-unreachable"})
        assert (await scene.browser.fetch(f"{scene.gateway.observe}/alive")).status == 200
        (line,) = [line for line in scene.gateway.lines if line["event"] == "provider away"]
        assert (line["provider"], line["fault"]) == ("default", "provider-unreachable")


@pytest.mark.parametrize(
    "style, path", [("page", "/_gateway/sign-in?return_to=/private/x"), ("redirect", PROTECTED)]
)
async def test_nobody_is_sent_to_a_provider_that_is_away(style: str, path: str) -> None:
    async with story(away=True, app=f'sign_in = "{style}"') as scene:
        page = await scene.browser.navigate(scene.gateway.url + path)
        told(page, status=503, fault=Fault.PROVIDER_UNREACHABLE)
        assert gives_no_hint_of(page, scene.provider.issuer)
        assert scene.upstream == []


async def test_what_needs_no_provider_goes_on_without_it() -> None:
    async with story(away=True, routes=PUBLIC) as scene:
        assert (await scene.browser.navigate(f"{scene.gateway.url}/public/")).status == 200
        assert (await scene.browser.navigate(scene.gateway.url + PROTECTED)).status == 401


async def test_people_sign_in_as_soon_as_the_provider_is_there() -> None:
    async with story(away=True) as scene:
        await scene.provider.start()
        await scene.gateway.until_ready()
        assert (await scene.sign_in()).status == 200
        assert [line for line in scene.gateway.lines if line["event"] == "provider ready"]


async def test_who_is_signed_in_notices_nothing_when_the_provider_goes_and_comes() -> None:
    async with story(provider='metadata_refresh = "1s"') as scene:
        await scene.sign_in()
        newcomer = await scene.another_browser()
        await scene.provider.stop()
        await scene.gateway.until_ready(503)
        assert (await scene.browser.navigate(scene.gateway.url + PROTECTED)).status == 200
        told(await scene.begin(newcomer), status=503, fault=Fault.PROVIDER_UNREACHABLE)
        await scene.provider.start()
        await scene.gateway.until_ready()
        assert (await scene.sign_in(newcomer)).status == 200


METADATA: Final = {
    "another issuer": (members("discovery", issuer="https://other.example"), Fault.METADATA_ISSUER),
    "no issuer": (members("discovery", issuer=ABSENT), Fault.METADATA_ISSUER),
    "an endpoint elsewhere": (
        members("discovery", token_endpoint="http://169.254.169.254/token"),
        Fault.METADATA_ENDPOINT,
    ),
    "an endpoint that is a script": (
        members("discovery", authorization_endpoint="javascript:alert(1)"),
        Fault.METADATA_ENDPOINT,
    ),
    "an array": (says("discovery", []), Fault.METADATA_MALFORMED),
    "a redirect": (says("discovery", status=302, to="/discovery"), Fault.METADATA_REDIRECT),
    "no algorithm of ours": (
        members("discovery", id_token_signing_alg_values_supported=["none"]),
        Fault.METADATA_DOWNGRADE,
    ),
}


@pytest.mark.parametrize("alteration, fault", METADATA.values(), ids=METADATA)
async def test_metadata_that_is_refused_sends_nobody_anywhere(alteration: Alteration, fault: Fault) -> None:
    async with story(alteration) as scene:
        assert await scene.gateway.ready() == (503, {"providers.default": fault.value})
        told(await scene.begin(), status=503, fault=fault)
        assert [event["fault"] for event in scene.events("metadata-refused")] == [fault.value]
        assert scene.attacker == []


KEYS: Final = {
    "500": Case(says("jwks", status=500), Fault.KEYS_MALFORMED),
    "a redirect": Case(says("jwks", status=302, to="/jwks"), Fault.KEYS_MALFORMED),
    "no key at all": Case(says("jwks", {"keys": []}), Fault.KEYS_MALFORMED),
    "another provider's keys": Case(
        says("jwks", {"keys": [honest.OTHER_RSA.as_dict(private=False)]}), Fault.KEY_UNKNOWN
    ),
}


@pytest.mark.parametrize("case", KEYS.values(), ids=KEYS)
async def test_without_the_right_key_nobody_is_signed_in(case: Case) -> None:
    async with story(case.alteration) as scene:
        await scene.refused(await scene.sign_in(), status=502, fault=case.fault, token=1)


@pytest.mark.parametrize("keep_old", [True, False])
async def test_a_rotation_of_keys_between_two_sign_ins_costs_one_fetch(keep_old: bool) -> None:  # noqa: FBT001
    async with story() as scene:
        await scene.sign_in()
        scene.provider.memory.rotate_keys(KeyPair.generate(), keep_old=keep_old)
        assert (await scene.sign_in(await scene.another_browser())).status == 200
        assert scene.provider.calls("jwks") == 2


async def test_unknown_keys_without_end_cost_one_fetch_and_bar_no_honest_sign_in() -> None:
    async with story(id_token(signing=("RS256", honest.OTHER_RSA))) as scene:
        pages = [await scene.sign_in() for _ in range(5)]
        assert [page.status for page in pages] == [502] * 5
        assert scene.provider.calls("jwks") == 2
        scene.provider.altered.clear()
        assert (await scene.sign_in()).status == 200


# The application


async def test_an_application_that_is_away_is_told_and_ends_no_session() -> None:
    async with story(upstream=f"http://{LOOPBACK}:{free_port()}", routes=PUBLIC) as scene:
        for page, kind in await both(scene, "/public/"):
            told(page, kind, status=502, fault=Fault.UPSTREAM_UNREACHABLE)
        told(await scene.sign_in(), status=502, fault=Fault.UPSTREAM_UNREACHABLE)
        assert await scene.signed_in()


async def test_an_application_that_does_not_answer_is_not_waited_for_without_end() -> None:
    async with RawUpstream() as silent:
        app = 'first_byte_timeout = "1s"'
        async with story(upstream=silent.url, app=app, routes=PUBLIC) as scene:
            for page, kind in await both(scene, "/public/"):
                told(page, kind, status=504, fault=Fault.UPSTREAM_SLOW)


async def test_an_application_that_answers_no_http_is_told() -> None:
    broken = RawUpstream(b"this is not HTTP\r\n\r\n", close=True)
    async with broken, story(upstream=broken.url, routes=PUBLIC) as scene:
        for page, kind in await both(scene, "/public/"):
            told(page, kind, status=502, fault=Fault.UPSTREAM_MALFORMED)
            assert gives_no_hint_of(page, "this is not HTTP")
