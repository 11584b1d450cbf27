from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from gateway.errors import Fault, ProviderError, ProviderTimeoutError, ProviderUnavailableError
from gateway.oidc.answer import Answer
from gateway.oidc.client import Client, SigningAlg
from gateway.oidc.discovery import Discovery, ProviderOptions
from gateway.oidc.http import ProviderHttp
from gateway.oidc.jwks import VerificationKey
from gateway.oidc.jws import ID_TOKEN, UnverifiedJWS
from gateway.oidc.known import KEYS_LIFETIME, ProviderHealth
from gateway.secret import Secret
from tests.support.honest import (
    ABSENT,
    EC,
    NOW,
    OTHER_RSA,
    RSA,
    answer,
    client,
    metadata_document,
)
from tests.support.scripted_provider import ScriptedProvider

NEVER = 3600.0  # seconds: longer than any test


class Kept:
    """What one test keeps of a provider, and what it was told of its health."""

    def __init__(self, provider: ScriptedProvider, clock: Any, registered: Client, **options: Any) -> None:
        self.told: asyncio.Queue[ProviderHealth] = asyncio.Queue()
        self.http = ProviderHttp(timeout=options.get("timeout", 5))
        given = {"retry_delay": lambda _: NEVER, "metadata_refresh": NEVER, **options}
        self.discovery = Discovery(
            issuer=provider.issuer,
            client=registered,
            http=self.http,
            clock=clock,
            options=ProviderOptions(**given),
            on_health=self.told.put_nowait,
        )

    async def health(self) -> ProviderHealth:
        """The next change of health."""
        async with asyncio.timeout(5):
            return await self.told.get()

    async def key(self, kid: str | None = "rsa") -> VerificationKey:
        return await self.discovery.key_for(
            UnverifiedJWS(compact=Secret("a.b.c"), kind=ID_TOKEN, alg=SigningAlg.RS256, kid=kid)
        )

    async def refused(self, kid: str | None) -> ProviderError:
        with pytest.raises(ProviderError) as error:
            await self.key(kid)
        return error.value

    async def unusable(self) -> ProviderError:
        with pytest.raises(ProviderError) as error:
            await self.discovery.metadata()
        return error.value

    async def close(self) -> None:
        await self.discovery.close()
        await self.http.close()


Keep = Callable[..., Kept]


@pytest.fixture
async def keep(scripted: ScriptedProvider, clock: Any) -> AsyncIterator[Keep]:
    opened: list[Kept] = []

    def start(*, registered: Client | None = None, **options: Any) -> Kept:
        opened.append(Kept(scripted, clock, registered or client(), **options))
        return opened[-1]

    yield start
    for kept in opened:
        await kept.close()


async def test_metadata_and_keys_are_fetched_once_at_start(keep: Keep, scripted: ScriptedProvider) -> None:
    kept = keep()
    await kept.discovery.start()
    assert (await kept.discovery.metadata()).issuer == scripted.issuer
    assert (await kept.key()).thumbprint() == RSA.thumbprint()
    assert scripted.calls == {"metadata": 1, "jwks": 1}
    assert await kept.health() == kept.discovery.health()
    assert kept.discovery.health().ready
    assert kept.told.empty()


async def test_no_key_set_is_fetched_where_the_secret_signs(keep: Keep, scripted: ScriptedProvider) -> None:
    hs256 = SigningAlg.HS256
    kept = keep(registered=client(id_token_signed_response_alg=hs256, userinfo_signed_response_alg=None))
    await kept.discovery.start()
    assert kept.discovery.health().ready
    assert scripted.calls == {"metadata": 1}


async def test_the_clock_of_the_provider_is_compared_with_ours(
    keep: Keep, scripted: ScriptedProvider
) -> None:
    async def ahead(_: web.Request) -> web.Response:
        document = metadata_document(issuer=scripted.issuer)
        return web.json_response(document, headers={"Date": "Fri, 15 Jan 2027 08:01:00 GMT"})

    scripted.says["metadata"] = ahead
    kept = keep()
    await kept.discovery.start()
    assert kept.discovery.health().clock_offset == 60


async def test_a_provider_that_does_not_say_what_time_it_is_may_be_right(
    keep: Keep, scripted: ScriptedProvider
) -> None:
    async def timeless(_: web.Request) -> web.Response:
        return web.json_response(metadata_document(issuer=scripted.issuer), headers={"Date": "once"})

    scripted.says["metadata"] = timeless
    kept = keep()
    await kept.discovery.start()
    assert kept.discovery.health().ready
    assert kept.discovery.health().clock_offset is None


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({"issuer": "https://other.test"}, Fault.METADATA_ISSUER),
        ({"token_endpoint": "http://169.254.169.254/token"}, Fault.METADATA_ENDPOINT),
        ({"id_token_signing_alg_values_supported": ["none"]}, Fault.METADATA_DOWNGRADE),
        ({"response_types_supported": ABSENT}, Fault.METADATA_MALFORMED),
    ],
    ids=str,
)
async def test_a_refused_document_is_a_fault_of_the_health_and_no_crash(
    keep: Keep, scripted: ScriptedProvider, changes: dict[str, Any], fault: Fault
) -> None:
    scripted.says["metadata"] = answer(metadata_document(**{"issuer": scripted.issuer, **changes}))
    kept = keep()
    await kept.discovery.start()
    health = await kept.health()
    assert (health.ready, health.fault) == (False, fault)
    error = await kept.unusable()
    assert isinstance(error, ProviderUnavailableError)
    assert error.fault is fault
    assert scripted.calls == {"metadata": 1}


async def test_a_redirected_document_is_not_followed(keep: Keep, scripted: ScriptedProvider) -> None:
    scripted.says["metadata"] = answer("", status=302)
    kept = keep()
    await kept.discovery.start()
    assert kept.discovery.health().fault is Fault.METADATA_REDIRECT
    assert (await kept.unusable()).status == 503


async def silence(_: web.Request) -> web.Response:
    await asyncio.sleep(NEVER)
    return web.Response()


async def test_a_slow_document_is_told_apart(keep: Keep, scripted: ScriptedProvider) -> None:
    scripted.says["metadata"] = silence
    kept = keep(timeout=0.1)
    await kept.discovery.start()
    error = await kept.unusable()
    assert isinstance(error, ProviderTimeoutError)
    assert error.fault is Fault.PROVIDER_SLOW


async def test_a_provider_that_was_away_at_start_is_found_without_anybody_asking(
    keep: Keep, scripted: ScriptedProvider
) -> None:
    await scripted.stop()
    kept = keep(retry_delay=lambda _: 0.01)
    await kept.discovery.start()
    assert (await kept.health()).fault is Fault.PROVIDER_UNREACHABLE
    await scripted.start()
    health = await kept.health()
    assert (health.ready, health.fault) == (True, None)


async def test_attempts_are_made_as_far_apart_as_there_were_failures(
    keep: Keep, scripted: ScriptedProvider
) -> None:
    asked = []

    def delay(failures: int) -> float:
        asked.append(failures)
        return 0.01

    scripted.says["metadata"] = answer("", status=500)
    kept = keep(retry_delay=delay)
    await kept.discovery.start()
    await scripted.asked("metadata", 4)
    assert asked[:3] == [1, 2, 3]


async def test_metadata_and_keys_are_fetched_again_by_themselves(
    keep: Keep, scripted: ScriptedProvider
) -> None:
    kept = keep(metadata_refresh=0.01)
    await kept.discovery.start()
    await scripted.asked("jwks", 3)
    assert scripted.calls["metadata"] >= 3


async def test_a_person_who_comes_while_nothing_is_known_makes_one_attempt(
    keep: Keep, scripted: ScriptedProvider
) -> None:
    kept = keep()
    assert (await kept.discovery.metadata()).issuer == scripted.issuer


async def test_a_provider_that_returned_is_found_by_the_next_person(
    keep: Keep, scripted: ScriptedProvider, clock: Any
) -> None:
    await scripted.stop()
    kept = keep()
    await kept.discovery.start()
    await scripted.start()
    assert (await kept.unusable()).fault is Fault.PROVIDER_UNREACHABLE
    assert scripted.calls == {}
    clock.now += 1
    assert (await kept.discovery.metadata()).issuer == scripted.issuer


async def test_many_people_make_one_attempt_together(keep: Keep, scripted: ScriptedProvider) -> None:
    kept = keep()
    await asyncio.gather(*(kept.discovery.metadata() for _ in range(100)))
    assert scripted.calls["metadata"] == 1


async def test_nobody_waits_for_an_attempt_when_the_last_one_failed(
    keep: Keep, scripted: ScriptedProvider, clock: Any
) -> None:
    scripted.says["metadata"] = answer("", status=500)
    kept = keep(patience=NEVER)
    await kept.discovery.start()
    scripted.says["metadata"] = silence
    clock.now += 1
    first = asyncio.create_task(kept.unusable())
    await scripted.asked("metadata", 2)
    clock.now += 1
    async with asyncio.timeout(2):
        assert (await kept.unusable()).fault is Fault.METADATA_MALFORMED
    first.cancel()


async def test_nobody_waits_longer_than_a_person_does(keep: Keep, scripted: ScriptedProvider) -> None:
    scripted.says["metadata"] = silence
    kept = keep(patience=0.05)
    error = await kept.unusable()
    assert isinstance(error, ProviderTimeoutError)
    assert error.fault is Fault.PROVIDER_SLOW


async def test_a_person_who_leaves_does_not_end_the_attempt_for_the_others(
    keep: Keep, scripted: ScriptedProvider
) -> None:
    kept = keep()
    first = asyncio.create_task(kept.discovery.metadata())
    others = [asyncio.create_task(kept.discovery.metadata()) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    assert {(await other).issuer for other in others} == {scripted.issuer}
    assert scripted.calls["metadata"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        answer(metadata_document(issuer="https://other.test")),
        answer("", status=404),
        answer("", status=500),
        answer("", status=302),
        answer("<html>", content_type="text/html"),
    ],
    ids=lambda changed: f"{changed.status} {changed.body[:20]!r}",
)
async def test_a_document_that_goes_wrong_while_running_leaves_the_last_good_one(
    keep: Keep, scripted: ScriptedProvider, changed: Answer
) -> None:
    kept = keep(metadata_refresh=0.01, retry_delay=lambda _: 0.01)
    await kept.discovery.start()
    assert (await kept.health()).fault is None
    good = await kept.discovery.metadata()
    scripted.says["metadata"] = changed
    health = await kept.health()
    assert (health.ready, health.fault) == (True, Fault.METADATA_CHANGED)
    assert await kept.discovery.metadata() == good
    assert (await kept.key()).thumbprint() == RSA.thumbprint()
    del scripted.says["metadata"]
    assert (await kept.health()).fault is None


@pytest.mark.parametrize("member", ["token_endpoint", "jwks_uri"])
async def test_an_endpoint_that_moves_to_an_attacker_is_never_asked(
    keep: Keep, scripted: ScriptedProvider, member: str
) -> None:
    async with ScriptedProvider() as attacker:
        kept = keep(metadata_refresh=0.01, retry_delay=lambda _: 0.01)
        await kept.discovery.start()
        await kept.health()
        scripted.says["metadata"] = answer(
            metadata_document(issuer=scripted.issuer, **{member: f"{attacker.issuer}/jwks"})
        )
        assert (await kept.health()).fault is Fault.METADATA_CHANGED
        await scripted.asked("metadata", scripted.calls["metadata"] + 2)
        assert scripted.issuer in getattr(await kept.discovery.metadata(), member)
        assert attacker.journal == []


async def test_nobody_is_sent_to_a_provider_that_went_away(keep: Keep, scripted: ScriptedProvider) -> None:
    kept = keep(metadata_refresh=0.01, retry_delay=lambda _: 0.01)
    await kept.discovery.start()
    await kept.health()
    await scripted.stop()
    health = await kept.health()
    assert (health.ready, health.fault) == (False, Fault.PROVIDER_UNREACHABLE)
    assert (await kept.unusable()).status == 503
    assert kept.discovery.last_metadata is not None
    await scripted.start()
    assert (await kept.health()).ready


async def test_a_new_key_is_fetched_when_a_token_names_it(keep: Keep, scripted: ScriptedProvider) -> None:
    kept = keep()
    await kept.discovery.start()
    scripted.keys = (OTHER_RSA, EC)
    assert (await kept.key("other")).thumbprint() == OTHER_RSA.thumbprint()
    assert scripted.calls["jwks"] == 2


async def test_many_tokens_with_a_new_key_make_one_fetch(keep: Keep, scripted: ScriptedProvider) -> None:
    kept = keep()
    await kept.discovery.start()
    scripted.keys = (OTHER_RSA,)
    keys = await asyncio.gather(*(kept.key("other") for _ in range(50)))
    assert {key.thumbprint() for key in keys} == {OTHER_RSA.thumbprint()}
    assert scripted.calls["jwks"] == 2


async def test_an_unknown_key_is_looked_for_once(keep: Keep, scripted: ScriptedProvider) -> None:
    kept = keep()
    await kept.discovery.start()
    assert (await kept.refused("unknown")).fault is Fault.KEY_UNKNOWN
    assert scripted.calls["jwks"] == 2


async def test_a_flood_of_unknown_keys_makes_one_fetch_a_cooldown(
    keep: Keep, scripted: ScriptedProvider, clock: Any
) -> None:
    kept = keep(key_cooldown=30)
    await kept.discovery.start()
    for number in range(200):
        assert (await kept.refused(f"random-{number}")).fault is Fault.KEY_UNKNOWN
        assert (await kept.key()).thumbprint() == RSA.thumbprint()
    assert scripted.calls["jwks"] == 2
    clock.now += 29
    await kept.refused("late")
    assert scripted.calls["jwks"] == 2
    clock.now += 1
    await kept.refused("later")
    assert scripted.calls["jwks"] == 3


@pytest.mark.parametrize("kid, fault", [(None, Fault.KEY_AMBIGUOUS), ("ec", Fault.KEY_UNUSABLE)])
async def test_a_key_that_does_not_serve_is_not_looked_for_again(
    keep: Keep, scripted: ScriptedProvider, kid: str | None, fault: Fault
) -> None:
    scripted.keys = (RSA, OTHER_RSA, EC)
    kept = keep()
    await kept.discovery.start()
    assert (await kept.refused(kid)).fault is fault
    assert scripted.calls["jwks"] == 1


WRONG_KEYS = [
    answer("", status=500),
    answer("", status=302),
    answer("<html>", content_type="text/html"),
    answer({"keys": []}),
    answer({"keys": [{}] * 10_000}),
    answer("x" * (2 << 20)),
]


@pytest.mark.parametrize("wrong", WRONG_KEYS, ids=lambda wrong: f"{wrong.status} {wrong.body[:20]!r}")
async def test_known_keys_serve_while_the_key_set_is_wrong(
    keep: Keep, scripted: ScriptedProvider, wrong: Answer
) -> None:
    kept = keep(metadata_refresh=0.01, retry_delay=lambda _: 0.01)
    await kept.discovery.start()
    await kept.health()
    scripted.says["jwks"] = wrong
    health = await kept.health()
    assert (health.ready, health.fault) == (True, Fault.KEYS_MALFORMED)
    assert (await kept.key()).thumbprint() == RSA.thumbprint()
    del scripted.says["jwks"]
    assert (await kept.health()).fault is None


@pytest.mark.parametrize("wrong", WRONG_KEYS, ids=lambda wrong: f"{wrong.status} {wrong.body[:20]!r}")
async def test_without_any_key_a_token_is_refused_for_what_is_wrong_with_the_set(
    keep: Keep, scripted: ScriptedProvider, wrong: Answer
) -> None:
    scripted.says["jwks"] = wrong
    kept = keep()
    await kept.discovery.start()
    assert not kept.discovery.health().ready
    error = await kept.refused("rsa")
    assert (error.fault, error.status) == (Fault.KEYS_MALFORMED, 502)


async def test_without_any_key_the_next_person_makes_an_attempt(
    keep: Keep, scripted: ScriptedProvider
) -> None:
    scripted.says["jwks"] = answer("", status=500)
    kept = keep()
    await kept.discovery.start()
    del scripted.says["jwks"]
    assert (await kept.key()).thumbprint() == RSA.thumbprint()
    assert kept.discovery.health().ready


async def test_a_slow_key_set_is_told_apart(keep: Keep, scripted: ScriptedProvider) -> None:
    scripted.says["jwks"] = silence
    kept = keep(timeout=0.1)
    await kept.discovery.start()
    error = await kept.refused("rsa")
    assert isinstance(error, ProviderTimeoutError)
    assert error.fault is Fault.PROVIDER_SLOW


async def test_keys_do_not_serve_for_ever(keep: Keep, scripted: ScriptedProvider, clock: Any) -> None:
    kept = keep()
    await kept.discovery.start()
    scripted.says["jwks"] = answer("", status=500)
    clock.now += KEYS_LIFETIME
    assert not kept.discovery.health().ready
    assert (await kept.refused("rsa")).fault is Fault.KEYS_MALFORMED


async def test_keys_are_not_asked_for_before_it_is_known_where(
    keep: Keep, scripted: ScriptedProvider
) -> None:
    kept = keep()
    assert (await kept.refused("rsa")).fault is Fault.KEY_UNKNOWN
    assert scripted.journal == []


async def test_health_is_told_once_for_each_change(keep: Keep, scripted: ScriptedProvider) -> None:
    scripted.says["metadata"] = answer("", status=500)
    kept = keep(retry_delay=lambda _: 0.01)
    await kept.discovery.start()
    await scripted.asked("metadata", 5)
    assert (await kept.health()).since == NOW
    assert kept.told.empty()


async def test_what_was_never_started_closes(keep: Keep) -> None:
    await keep().close()


async def test_closing_ends_an_attempt_under_way(keep: Keep, scripted: ScriptedProvider) -> None:
    scripted.says["metadata"] = silence
    kept = keep()
    starting = asyncio.create_task(kept.discovery.start())
    await scripted.asked("metadata", 1)
    await kept.close()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_without_keys_they_are_looked_for_again_after_a_second(
    keep: Keep, scripted: ScriptedProvider, clock: Any
) -> None:
    scripted.says["jwks"] = answer("", status=500)
    kept = keep(key_cooldown=30)
    await kept.discovery.start()
    await kept.refused("rsa")
    del scripted.says["jwks"]
    clock.now += 1
    assert (await kept.key()).thumbprint() == RSA.thumbprint()


async def test_a_key_that_a_token_brought_is_told_of(keep: Keep, scripted: ScriptedProvider) -> None:
    scripted.says["jwks"] = answer("", status=500)
    kept = keep()
    await kept.discovery.start()
    assert not (await kept.health()).ready
    del scripted.says["jwks"]
    await kept.key()
    assert (await kept.health()).ready
