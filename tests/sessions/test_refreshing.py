"""Sessions that are refreshed, over each kind of store: two gateways, and a provider held back."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from gateway.errors import Fault, GatewayError, ProviderError, SessionRefusedError, StoreError
from gateway.secret import Secret
from gateway.sessions.cookie import SessionCookie, new_cookie
from gateway.sessions.record_cache import Kept, RecordCache
from gateway.sessions.refreshing import Refreshing
from gateway.sessions.seal import Sealer
from gateway.sessions.session import Grant, Lifetimes, SignedIn
from gateway.sessions.store import RecordStore
from gateway.sessions.summary import Listed, Sighting, Summaries
from gateway.sessions.writer import Writer

NOW = 1_000_000
HOUR = 3_600
SEALER = Sealer([Secret("s" * 43)])


@dataclass
class Provider:
    """Gives each session its next grant, when a test lets it; or says no."""

    asked: list[str] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    error: ProviderError | None = None

    def __post_init__(self) -> None:
        self.go.set()

    async def refresh(self, session: SignedIn) -> SignedIn:
        assert session.grant is not None
        self.asked.append(session.grant.refresh_token.reveal())
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return replace(session, grant=following(session.grant))

    async def was_asked(self, *, times: int = 1) -> None:
        async with asyncio.timeout(10):
            while len(self.asked) < times:
                await asyncio.sleep(0.01)


@dataclass
class Gateway:
    """What one gateway does with sessions that are due."""

    records: RecordStore
    provider: Provider
    cache: RecordCache
    writer: Writer
    refreshing: Refreshing
    ended: list[SignedIn] = field(default_factory=list)
    reported: list[GatewayError] = field(default_factory=list)

    @classmethod
    def over(cls, records: RecordStore, provider: Provider) -> Gateway:
        ended: list[SignedIn] = []
        reported: list[GatewayError] = []
        cache = RecordCache(
            records,
            clock=time.monotonic,
            stale_lifetime=0,
            ended=lambda _: None,
            report=reported.append,
        )
        writer = Writer(
            cache=cache,
            sealer=SEALER,
            lifetimes=lambda _: Lifetimes(HOUR, 12 * HOUR),
            summaries=Summaries(SEALER, kept=HOUR),
            random=secrets.token_bytes,
        )
        refreshing = Refreshing(
            records=records,
            writer=writer,
            providers={"sso": provider},
            refused=lambda session, _: ended.append(session),
            report=reported.append,
            clock=lambda: NOW,
            monotonic=time.monotonic,
        )
        return cls(records, provider, cache, writer, refreshing, ended, reported)

    async def read(self, cookie: SessionCookie) -> Kept:
        kept = await self.cache.read_anew(cookie.key, self.writer.opener(cookie))
        assert kept is not None
        return kept

    async def refresh(self, cookie: SessionCookie, kept: Kept | None = None) -> Kept | None:
        return await self.refreshing.refreshed(cookie, kept or await self.read(cookie), Sighting())


def following(grant: Grant) -> Grant:
    token = Secret(f"{grant.refresh_token.reveal()}+")
    return replace(grant, refresh_token=token, due_at=NOW + HOUR, number=grant.number + 1)


def signed_in(cookie: SessionCookie, *, token: str = "token") -> SignedIn:
    return SignedIn(
        id=cookie.session_id,
        host="app.example",
        provider="sso",
        claims={"sub": "a-sub"},
        id_token=Secret("an.id.token"),
        signed_in_at=NOW,
        last_seen=NOW,
        grant=Grant(refresh_token=Secret(token), nonce="n", due_at=NOW),
    )


async def due(gateway: Gateway, *, token: str = "token") -> SessionCookie:
    """A session whose provider is to be asked."""
    cookie = new_cookie(secrets.token_bytes)
    session = signed_in(cookie, token=token)
    await gateway.records.put(
        cookie.key,
        gateway.writer.sealed(cookie, session),
        lifetime=HOUR,
        listed=gateway.writer.listed(cookie, session, Sighting()),
    )
    return cookie


def token_of(kept: Kept | None) -> str | None:
    grant = None if kept is None else kept.session.grant
    return None if grant is None else grant.refresh_token.reveal()


async def overtaken(lease_of: SessionCookie, gateway: Gateway) -> None:
    """Let a holder's lease be over before it knows, as when its process stood still."""
    await gateway.records.delete(f"gateway:refresh:{lease_of.session_id}")


@pytest.fixture
async def gateways(stores: list[RecordStore]) -> AsyncIterator[tuple[Gateway, Gateway]]:
    one, other = (Gateway.over(records, Provider()) for records in (stores[0], stores[-1]))
    yield one, other
    for gateway in (one, other):
        gateway.provider.go.set()
        await gateway.refreshing.close()


async def test_one_of_fifty_at_each_gateway_asks(gateways: tuple[Gateway, Gateway]) -> None:
    one, other = gateways
    cookie = await due(one)
    kept = [await gateway.read(cookie) for gateway in gateways]
    asking = [gateways[n % 2].refresh(cookie, kept[n % 2]) for n in range(100)]
    assert {token_of(found) for found in await asyncio.gather(*asking)} == {"token+"}
    assert one.provider.asked + other.provider.asked == ["token"]


async def test_what_a_gateway_knew_before_is_not_what_it_asks_with(
    gateways: tuple[Gateway, Gateway],
) -> None:
    one, other = gateways
    cookie = await due(one)
    before = await other.read(cookie)
    await one.refresh(cookie)
    assert token_of(await other.refresh(cookie, before)) == "token+"
    assert other.provider.asked == []


async def test_sessions_that_are_due_together_are_each_asked_about(
    gateways: tuple[Gateway, Gateway],
) -> None:
    one, _ = gateways
    cookies = [await due(one, token=f"token-{n}") for n in range(20)]
    found = await asyncio.gather(*map(one.refresh, cookies))
    assert [token_of(kept) for kept in found] == [f"token-{n}+" for n in range(20)]
    assert sorted(one.provider.asked) == sorted(f"token-{n}" for n in range(20))


async def test_who_comes_late_never_writes_over_a_newer_grant(gateways: tuple[Gateway, Gateway]) -> None:
    late, quick = gateways
    cookie = await due(late)
    late.provider.go.clear()
    waiting = asyncio.create_task(late.refresh(cookie))
    await late.provider.was_asked()
    await overtaken(cookie, late)
    # The other one finds the same grant, and another after it.
    await quick.refresh(cookie)
    kept = await quick.read(cookie)
    assert kept.session.grant is not None
    newer = replace(kept.session, grant=following(kept.session.grant))
    assert await quick.writer.replace(cookie, kept, newer, Sighting())
    late.provider.go.set()
    assert token_of(await waiting) == "token++"
    assert token_of(await quick.read(cookie)) == "token++"


async def test_a_refusal_of_a_grant_that_was_replaced_ends_nothing(
    gateways: tuple[Gateway, Gateway],
) -> None:
    late, quick = gateways
    cookie = await due(late)
    late.provider.go.clear()
    late.provider.error = SessionRefusedError(Fault.REFRESH_REFUSED)
    waiting = asyncio.create_task(late.refresh(cookie))
    await late.provider.was_asked()
    await overtaken(cookie, late)
    await quick.refresh(cookie)
    late.provider.go.set()
    assert token_of(await waiting) == "token+"
    assert late.ended == []


async def test_an_idle_write_of_before_brings_no_grant_back(gateways: tuple[Gateway, Gateway]) -> None:
    one, other = gateways
    cookie = await due(one)
    before = await other.read(cookie)
    await one.refresh(cookie)
    assert not await other.writer.replace(cookie, before, before.session.seen(NOW + 60), Sighting())
    assert token_of(await other.read(cookie)) == "token+"


async def test_an_idle_write_meanwhile_costs_no_grant(gateways: tuple[Gateway, Gateway]) -> None:
    one, other = gateways
    cookie = await due(one)
    one.provider.go.clear()
    waiting = asyncio.create_task(one.refresh(cookie))
    await one.provider.was_asked()
    kept = await other.read(cookie)
    assert await other.writer.replace(cookie, kept, kept.session.seen(NOW + 60), Sighting())
    one.provider.go.set()
    assert token_of(await waiting) == "token+"
    found = await other.read(cookie)
    assert (token_of(found), found.session.last_seen) == ("token+", NOW + 60)


async def test_a_session_that_was_ended_meanwhile_stays_ended(gateways: tuple[Gateway, Gateway]) -> None:
    one, other = gateways
    cookie = await due(one)
    one.provider.go.clear()
    waiting = asyncio.create_task(one.refresh(cookie))
    await one.provider.was_asked()
    await other.cache.delete(cookie.key)
    one.provider.go.set()
    assert await waiting is None
    assert await other.records.get(cookie.key) is None


async def test_a_request_that_leaves_takes_no_grant_along(gateways: tuple[Gateway, Gateway]) -> None:
    one, _ = gateways
    cookie = await due(one)
    one.provider.go.clear()
    leaving = asyncio.create_task(one.refresh(cookie))
    await one.provider.was_asked()
    leaving.cancel()
    await asyncio.wait({leaving})
    one.provider.go.set()
    await one.refreshing.close()
    assert token_of(await one.read(cookie)) == "token+"


async def test_a_provider_that_is_away_is_asked_again_later(gateways: tuple[Gateway, Gateway]) -> None:
    one, other = gateways
    cookie = await due(one)
    one.provider.error = ProviderError(Fault.PROVIDER_UNREACHABLE)
    assert token_of(await one.refresh(cookie)) == "token"
    for gateway in gateways:
        kept = await gateway.read(cookie)
        assert not gateway.refreshing.due(kept.session)
        assert (token_of(kept), kept.session.signed_in_at) == ("token", NOW)
    assert one.provider.asked + other.provider.asked == ["token"]


async def test_a_session_of_a_provider_that_is_not_asked_is_never_due(
    gateways: tuple[Gateway, Gateway],
) -> None:
    one, _ = gateways
    session = signed_in(new_cookie(secrets.token_bytes))
    assert one.refreshing.due(session)
    assert not one.refreshing.due(replace(session, provider="another"))
    assert not one.refreshing.due(replace(session, grant=None))


@dataclass
class Refusing:
    """A store that takes nothing over a session's record for a while."""

    records: RecordStore
    refusals: int

    def __getattr__(self, name: str) -> object:
        return getattr(self.records, name)

    async def replace(
        self,
        key: str,
        record: bytes,
        *,
        lifetime: int,
        listed: Listed | None = None,
        over: bytes | None = None,
    ) -> bool:
        if listed is not None and self.refusals:
            self.refusals -= 1
            raise StoreError(Fault.STORE_UNREACHABLE)
        return await self.records.replace(key, record, lifetime=lifetime, listed=listed, over=over)


async def test_what_a_provider_gave_is_written_once_the_store_takes_it(stores: list[RecordStore]) -> None:
    records: RecordStore = Refusing(stores[0], refusals=2)  # type: ignore[assignment]  # all else is the store's
    one = Gateway.over(records, Provider())
    cookie = await due(one)
    assert token_of(await one.refresh(cookie)) == "token+"
    assert [error.fault for error in one.reported] == [Fault.STORE_UNREACHABLE] * 2
    assert token_of(await Gateway.over(stores[-1], Provider()).read(cookie)) == "token+"
    assert one.provider.asked == ["token"]
