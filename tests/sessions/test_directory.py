"""Sessions found without their cookies, in each kind of store."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from redis import Redis

from gateway.sessions.cookie import SessionCookie
from gateway.sessions.store import SessionStore
from gateway.sessions.summary import By
from tests.support.in_store import ALICE, BOB, IDLE, NEW, NOW, OLD, OTHER, SEEN, SIRET, at
from tests.support.redis_server import RedisServer
from tests.support.stores import Backend, File, RealRedis


def keys(*cookies: SessionCookie) -> set[str]:
    return {cookie.key for cookie in cookies}


@pytest.mark.parametrize(
    "by, value",
    [
        (By.SUB, "sub-of-alice"),
        (By.EMAIL, "alice.ÉLAN@example.gouv.fr"),
        (By.EMAIL, " Alice.élan@Example.gouv.fr "),
        (By.SID, "sid-of-alice"),
    ],
)
async def test_a_person_is_found_by_what_they_are_called(
    stores: list[SessionStore], by: By, value: str
) -> None:
    cookie = await at(stores[0]).write(ALICE)
    await at(stores[0]).write(BOB)
    assert await at(stores[-1]).found(by, value) == keys(cookie)


async def test_a_session_is_found_by_what_the_log_calls_it(stores: list[SessionStore]) -> None:
    cookie, _ = await at(stores[0]).write(ALICE), await at(stores[0]).write(ALICE)
    assert await at(stores[-1]).found(By.ID, cookie.session_id) == keys(cookie)


async def test_everybody_of_an_organisation_is_found_however_its_number_is_written(
    stores: list[SessionStore],
) -> None:
    cookies = [await at(stores[0]).write(person) for person in (ALICE, ALICE, BOB)]
    await at(stores[0]).write(BOB, claims={"sub": "x", "siret": "21340126800130"})
    for written in (SIRET, "130 025 265 00013"):
        assert await at(stores[-1]).found(By.SIRET, written) == keys(*cookies)


@pytest.mark.parametrize(
    "by, value",
    [
        (By.SUB, "Sub-of-alice"),
        (By.SUB, "sub-of-alic"),
        (By.SUB, "alice.élan@example.gouv.fr"),
        (By.EMAIL, "sub-of-alice"),
        (By.EMAIL, "alice@example.gouv.fr"),
        (By.SID, "sub-of-alice"),
        (By.ID, ""),
        (By.SIRET, "*"),
    ],
)
async def test_nobody_else_is_found(stores: list[SessionStore], by: By, value: str) -> None:
    await at(stores[0]).write(ALICE)
    assert await at(stores[0]).found(by, value) == set()


async def test_what_is_listed_is_what_the_session_says(stores: list[SessionStore]) -> None:
    cookie = await at(stores[0]).write(ALICE)
    ((key, summary),) = [found async for found in at(stores[-1]).directory.every()]
    assert summary is not None
    assert (key, summary.id) == (cookie.key, cookie.session_id)
    assert (summary.name, summary.email) == ("Alice Élan-Œuvré", "Alice.Élan@Example.gouv.fr")
    assert (summary.organisation, summary.siret) == ("Préfecture du Morbihan", SIRET)
    assert (summary.address, summary.user_agent) == (SEEN.address, SEEN.user_agent)
    assert (summary.signed_in_at, summary.last_seen, summary.acr) == (NOW, NOW, "eidas1")


async def test_a_session_that_is_seen_again_is_listed_so_and_found_by_what_is_true_now(
    stores: list[SessionStore],
) -> None:
    gateway = at(stores[0])
    cookie = await gateway.write(ALICE)
    moved = {**ALICE.claims, "email": "alice@moved.example"}
    await gateway.write(ALICE, cookie, claims=moved, last_seen=NOW + 360)
    assert await gateway.found(By.EMAIL, "alice@moved.example") == keys(cookie)
    assert await gateway.found(By.EMAIL, "alice.élan@example.gouv.fr") == set()
    ((_, summary),) = [found async for found in gateway.directory.every()]
    assert summary is not None
    assert summary.last_seen == NOW + 360


async def test_a_session_that_is_ended_is_nowhere_any_more(
    stores: list[SessionStore], backend: Backend
) -> None:
    gateway = at(stores[0])
    mine, yours = await gateway.write(ALICE), await gateway.write(BOB)
    await at(stores[-1]).directory.end(mine.key)
    assert await stores[0].get(mine.key) is None
    assert await gateway.found(By.SUB, "sub-of-alice") == set()
    assert await gateway.found(By.SIRET, SIRET) == keys(yours)
    assert await gateway.every() == keys(yours)
    await at(stores[-1]).directory.end(yours.key)
    assert await gateway.found(By.SIRET, SIRET) == set()
    if isinstance(backend, RealRedis):
        with Redis(port=backend.server.port) as redis:
            assert not list(redis.scan_iter("gateway:session:*"))
            # An index that nobody looked at keeps nothing but a key of nothing, until its end.
            assert redis.zcard(gateway.summaries.indexes(By.SIRET, SIRET)[0]) == 0


async def test_indexes_end_with_the_records(stores: list[SessionStore], backend: Backend) -> None:
    gateway = at(stores[0])
    await gateway.write(ALICE, lifetime=600)
    longer = await gateway.write(BOB)
    backend.pass_time(600)
    assert await gateway.found(By.SIRET, SIRET) == keys(longer)
    backend.pass_time(IDLE - 600)
    assert await gateway.found(By.SIRET, SIRET) == set()
    assert await gateway.every() == set()
    await gateway.write(ALICE)
    if isinstance(backend, RealRedis):
        with Redis(port=backend.server.port) as redis:
            assert redis.dbsize() == 2 + len(By)


async def test_a_late_write_makes_no_ended_session_be_found(stores: list[SessionStore]) -> None:
    gateway = at(stores[0])
    cookie = await gateway.write(ALICE)
    await gateway.directory.end(cookie.key)
    await gateway.write(ALICE, cookie)
    assert await gateway.found(By.SUB, "sub-of-alice") == set()
    assert await gateway.every() == set()


async def test_other_things_in_the_store_are_no_sessions(stores: list[SessionStore]) -> None:
    gateway = at(stores[0])
    await stores[0].claim("gateway:state:abc", lifetime=600)
    await stores[0].ping()
    cookie = await gateway.write(ALICE)
    assert await gateway.every() == keys(cookie)


# A new secret


async def test_sessions_of_any_secret_that_is_held_are_found_and_listed_once(
    stores: list[SessionStore],
) -> None:
    before, during = at(stores[0], OLD), at(stores[-1], NEW, OLD)
    old = await before.write(ALICE)
    seen_again = await before.write(ALICE)
    await during.write(ALICE, seen_again)
    new = await during.write(ALICE)
    for by, value in ((By.SUB, "sub-of-alice"), (By.SIRET, SIRET), (By.EMAIL, "alice.élan@example.gouv.fr")):
        assert await during.found(by, value) == keys(old, seen_again, new)
    listed = {key: summary async for key, summary in during.directory.every()}
    assert listed.keys() == keys(old, seen_again, new)
    assert None not in listed.values()


async def test_a_secret_that_went_takes_its_sessions_out_of_every_finding(
    stores: list[SessionStore],
) -> None:
    old = await at(stores[0], OLD).write(ALICE)
    after = at(stores[0], NEW)
    new = await after.write(ALICE)
    assert await after.found(By.SUB, "sub-of-alice") == keys(new)
    assert {key: summary is None async for key, summary in after.directory.every()} == {
        old.key: True,
        new.key: False,
    }
    await after.directory.end(old.key)
    assert await after.every() == keys(new)


async def test_a_summary_that_changed_places_or_was_forged_is_nobodys(stores: list[SessionStore]) -> None:
    gateway = at(stores[0])
    mine, yours = await gateway.write(ALICE), await gateway.write(BOB)
    sealed = {key: summary async for key, summary in stores[0].every()}
    assert gateway.summaries.open(mine.key, sealed[yours.key]) is None
    assert gateway.summaries.open(mine.key, b"x" * 200) is None
    assert gateway.summaries.open(mine.key, None) is None
    assert at(stores[0], OTHER).summaries.open(mine.key, sealed[mine.key]) is None


# Many


async def test_more_sessions_than_fit_into_a_page_all_come_out(stores: list[SessionStore]) -> None:
    gateway = at(stores[0])
    cookies = [await gateway.write(BOB) for _ in range(1_203)]
    assert await gateway.found(By.SIRET, SIRET) == keys(*cookies)
    assert await gateway.every() == keys(*cookies)


async def test_sessions_may_end_while_they_are_gone_through(stores: list[SessionStore]) -> None:
    gateway = at(stores[0])
    cookies = [await gateway.write(BOB) for _ in range(1_203)]
    seen = set()
    async for key, _ in gateway.directory.find(By.SIRET, SIRET):
        await gateway.directory.end(key)
        seen.add(key)
    assert seen == keys(*cookies)
    assert await gateway.every() == set()


# What a thief of the store sees


@pytest.mark.parametrize("kind", ["file", pytest.param("redis", marks=pytest.mark.real)])
async def test_the_store_has_no_name_address_or_token_in_any_spelling(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    backend: File | RealRedis = File(tmp_path)
    if kind == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        backend = RealRedis(server)
    stores = await backend.open()
    gateway = at(stores[0])
    cookie = await gateway.write(ALICE)
    await gateway.write(ALICE, cookie, last_seen=NOW + 400)
    dump = backend.dump()
    for store in stores:
        await store.close()
    assert cookie.key.encode() in dump
    known = [*ALICE.claims.values(), ALICE.sid, ALICE.id_token.reveal(), SEEN.address, SEEN.user_agent]
    known += [*ALICE.id_token.reveal().split("."), "Alice Élan-Œuvré", "Firefox", "Morbihan", "default"]
    known += [ALICE.host, cookie.session_id, cookie.value.reveal(), cookie.bits, cookie.bits.hex()]
    assert [value for value in known for spelt in spellings(value) if spelt in dump] == []


def spellings(value: str | bytes) -> Iterable[bytes]:
    """The ways in which a value may stand somewhere."""
    if isinstance(value, bytes):
        return [value]
    in_each: list[Callable[[str], bytes]] = [
        str.encode,
        lambda text: text.lower().encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("latin-1", "ignore"),
        lambda text: json.dumps(text)[1:-1].encode(),
        lambda text: text.encode().hex().encode(),
        lambda text: base64.b64encode(text.encode())[: len(text) // 3 * 4],
    ]
    return [spell(value) for spell in in_each]
