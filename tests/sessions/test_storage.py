from __future__ import annotations

import asyncio
import secrets
import sqlite3
from base64 import urlsafe_b64decode
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import aiohttp_session
import pytest
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, make_mocked_request
from redis import Redis

from gateway.errors import Fault, StoreError
from gateway.secret import Secret
from gateway.sessions.cookie import SessionCookie
from gateway.sessions.current import current_session, end_session, open_session
from gateway.sessions.keys import session_id
from gateway.sessions.record_cache import RecordCache
from gateway.sessions.redis_records import RedisRecords
from gateway.sessions.seal import Sealer
from gateway.sessions.session import ANONYMOUS, Grant, Lifetimes, SignedIn
from gateway.sessions.sqlite_records import SqliteRecords
from gateway.sessions.storage import SessionStorage
from gateway.sessions.store import RecordStore
from gateway.sessions.summary import Listed, Sighting, Summaries
from gateway.sessions.unopened import Unopened
from tests.support.redis_server import RedisServer

Client: TypeAlias = TestClient[web.Request, web.Application]

HOST, OTHER_HOST = "app.example", "other.example"
IDLE, ABSOLUTE = 3_600, 43_200
NOW = 1_000_000
SECRET, OLD_SECRET = Secret("s" * 43), Secret("o" * 43)
EMAIL = "eleonore.lefevre@agriculture.gouv.fr"
ID_TOKEN = "aaaa.bbbb.cccc"
REFRESH_TOKEN = "rrrr-eeee-ffff"


@dataclass
class InMemory:
    """A record store whose calls a test may count, hold back and let fail."""

    records: dict[str, bytes] = field(default_factory=dict)
    lifetimes: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    held: asyncio.Event | None = None
    _called_again: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def called(self, name: str, *, times: int = 1) -> None:
        """Returns once a method was called that often."""
        async with self._called_again:
            await self._called_again.wait_for(lambda: self.calls.count(name) >= times)

    async def _called(self, name: str) -> None:
        self.calls.append(name)
        async with self._called_again:
            self._called_again.notify_all()
        await asyncio.sleep(0)
        if name in self.failing:
            raise StoreError(Fault.STORE_UNREACHABLE)

    async def get(self, key: str) -> bytes | None:
        await self._called("get")
        return self.records.get(key)

    async def put(self, key: str, record: bytes, *, lifetime: int, listed: Listed | None = None) -> None:
        assert listed is not None
        await self._called("put")
        self.records[key], self.lifetimes[key] = record, lifetime

    async def replace(
        self,
        key: str,
        record: bytes,
        *,
        lifetime: int,
        listed: Listed | None = None,
        over: bytes | None = None,
    ) -> bool:
        assert listed is not None
        await self._called("replace")
        if self.held is not None:
            await self.held.wait()
        there = key in self.records and self.records[key].startswith(over or b"")
        if there:
            self.records[key], self.lifetimes[key] = record, lifetime
        return there

    async def delete(self, key: str) -> None:
        await self._called("delete")
        self.records.pop(key, None)

    async def claim(self, key: str, *, lifetime: int, record: bytes = b"") -> bool:
        await self._called("claim")
        there = key in self.records
        self.records.setdefault(key, record)
        self.lifetimes.setdefault(key, lifetime)
        return not there

    async def endings(self) -> AsyncGenerator[str | None]:
        yield None

    async def ping(self) -> None:
        await self._called("ping")

    async def close(self) -> None:
        await self._called("close")


@dataclass
class World:
    """One gateway's storage with everything around it that a test may turn."""

    records: RecordStore
    now: int = NOW
    secure: bool = True
    sealer: Sealer = field(default_factory=lambda: Sealer([SECRET]))
    reported: list[StoreError] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    unopened: list[str] = field(default_factory=list)
    lifetimes: dict[str, Lifetimes] = field(
        default_factory=lambda: {HOST: Lifetimes(IDLE, ABSOLUTE), OTHER_HOST: Lifetimes(60, 600)}
    )

    def storage(self) -> SessionStorage:
        return SessionStorage(
            records=self.records,
            cache=RecordCache(
                self.records,
                clock=lambda: self.now,
                stale_lifetime=0,
                ended=self.ended.append,
                report=self.reported.append,
            ),
            sealer=self.sealer,
            lifetimes=self.lifetimes.__getitem__,
            summaries=Summaries(self.sealer, kept=IDLE),
            host_of=lambda request: request.headers["Host"],
            sighting_of=lambda request: Sighting(request.remote, request.headers.get("User-Agent")),
            clock=lambda: self.now,
            random=secrets.token_bytes,
            secure=self.secure,
            report=self.reported.append,
            unopened=Unopened(self.records, lambda _, session: self.unopened.append(session)),
        )

    async def who(self, request: web.Request) -> web.Response:
        first, again = await current_session(request), await current_session(request)
        assert first is again
        if isinstance(first, SignedIn):
            return web.json_response({"sub": first.sub, "id": first.id, "last_seen": first.last_seen})
        return web.json_response({})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        session = await current_session(request)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(type(session).__name__.encode())
        return response

    async def sign_in(self, request: web.Request) -> web.Response:
        session = await open_session(
            request,
            host=request.headers["Host"],
            provider="proconnect",
            claims={"sub": request.query["sub"], "email": EMAIL, "usual_name": "Lefèvre-Œillet"},
            id_token=Secret(ID_TOKEN),
            grant=Grant(refresh_token=Secret(REFRESH_TOKEN), nonce="a-nonce", due_at=self.now),
            now=self.now,
        )
        assert await current_session(request) is session
        if "raised" in request.query:
            raise web.HTTPSeeOther("/")
        return web.json_response({"id": session.id})

    async def sign_out(self, request: web.Request) -> web.Response:
        ended = await end_session(request)
        assert await current_session(request) == ANONYMOUS
        return web.json_response({"ended": ended.sub if ended else None})

    def app(self) -> web.Application:
        @web.middleware
        async def store_errors(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            try:
                return await handler(request)
            except StoreError as error:
                return web.Response(status=error.status)

        app = web.Application(middlewares=[store_errors])
        aiohttp_session.setup(app, self.storage())
        app.router.add_get("/", self.who)
        app.router.add_get("/stream", self.stream)
        app.router.add_post("/sign-in", self.sign_in)
        app.router.add_post("/sign-out", self.sign_out)
        return app


@pytest.fixture
def records() -> InMemory:
    return InMemory()


@pytest.fixture
def world(records: InMemory) -> World:
    return World(records)


@pytest.fixture
async def client(world: World, aiohttp_client: Any) -> Client:
    made: Client = await aiohttp_client(world.app(), cookie_jar=DummyCookieJar())
    return made


def fields(*cookies: str, host: str = HOST, name: str = "__Host-gateway") -> dict[str, str]:
    pairs = "; ".join(f"{name}={cookie}" for cookie in cookies)
    return {"Host": host, **({"Cookie": pairs} if pairs else {})}


async def sign_in(client: Client, sub: str = "a-sub", *cookies: str, host: str = HOST) -> str:
    response = await client.post("/sign-in", params={"sub": sub}, headers=fields(*cookies, host=host))
    assert response.status == 200
    (morsel,) = SimpleCookie(response.headers["Set-Cookie"]).values()
    return morsel.value


async def who(client: Client, *cookies: str, host: str = HOST) -> Any:
    response = await client.get("/", headers=fields(*cookies, host=host))
    assert response.status == 200
    assert "Set-Cookie" not in response.headers
    return await response.json()


def key_of(cookie: str) -> str:
    return SessionCookie(urlsafe_b64decode(cookie + "=")).key


# The cookie


@pytest.mark.parametrize(
    "secure, name, attributes",
    [
        (True, "__Host-gateway", {"HttpOnly", "Path=/", "SameSite=Lax", "Secure"}),
        (False, "gateway", {"HttpOnly", "Path=/", "SameSite=Lax"}),
    ],
)
async def test_the_cookie_is_for_this_host_and_this_browser_run_alone(
    world: World, aiohttp_client: Any, *, secure: bool, name: str, attributes: set[str]
) -> None:
    world.secure = secure
    client = await aiohttp_client(world.app(), cookie_jar=DummyCookieJar())
    response = await client.post("/sign-in", params={"sub": "a-sub"}, headers={"Host": HOST})
    pair, *rest = response.headers["Set-Cookie"].split("; ")
    cookie = pair.removeprefix(f"{name}=")

    assert len(urlsafe_b64decode(cookie + "=")) == 32
    assert set(rest) == attributes

    answer = await client.get("/", headers=fields(cookie, name=name))
    assert (await answer.json())["sub"] == "a-sub"


@pytest.mark.parametrize("secure, name", [(True, "__Host-gateway"), (False, "gateway")])
async def test_signing_out_takes_the_cookie_away_in_a_way_that_browsers_accept(
    world: World, aiohttp_client: Any, *, secure: bool, name: str
) -> None:
    world.secure = secure
    client = await aiohttp_client(world.app(), cookie_jar=DummyCookieJar())
    response = await client.post("/sign-out", headers={"Host": HOST})
    (morsel,) = SimpleCookie(response.headers["Set-Cookie"]).values()

    assert (morsel.key, morsel.value, morsel["max-age"], morsel["path"]) == (name, "", "0", "/")
    assert bool(morsel["secure"]) is secure
    assert morsel["domain"] == ""


async def test_an_answer_that_is_raised_carries_the_cookie_too(client: Client) -> None:
    response = await client.post(
        "/sign-in", params={"sub": "a-sub", "raised": ""}, headers=fields(), allow_redirects=False
    )

    assert response.status == 303
    assert response.headers["Set-Cookie"].startswith("__Host-gateway=")


@pytest.mark.parametrize(
    "cookie_field",
    [
        "",
        "=",
        ";;;",
        "__Host-gateway",
        "__Host-gateway=",
        "__Host-gateway=x",
        "__Host-gateway=%00",
        "__Host-gateway_chunks=99999999",
        "; ".join(f"c{n}=v" for n in range(1_000)),
        "__Host-gateway=" + "A" * 7_000,
        "\u00e9=\u00e9; __Host-gateway=\u00e9",
    ],
)
async def test_a_hostile_cookie_field_is_nobody_and_asks_the_store_nothing(
    client: Client, records: InMemory, cookie_field: str
) -> None:
    response = await client.get("/", headers={"Host": HOST, "Cookie": cookie_field})

    assert (response.status, await response.json()) == (200, {})
    assert records.calls == []


async def test_a_request_without_a_cookie_asks_the_store_nothing(client: Client, records: InMemory) -> None:
    assert await who(client) == {}
    assert records.calls == []


async def test_the_cookie_counts_beside_those_that_a_sibling_host_added(client: Client) -> None:
    cookie = await sign_in(client)
    planted = [secrets.token_urlsafe(32) for _ in range(3)]

    for place in range(4):
        assert (await who(client, *planted[:place], cookie, *planted[place:]))["sub"] == "a-sub"


async def test_a_browser_that_shows_a_thousand_cookies_costs_four_reads(
    client: Client, records: InMemory
) -> None:
    await who(client, *(secrets.token_urlsafe(32) for _ in range(100)))

    assert records.calls == ["get"] * 4


# Signing in and out


async def test_a_person_is_known_after_signing_in(client: Client, records: InMemory) -> None:
    response = await client.post("/sign-in", params={"sub": "a-sub"}, headers=fields())
    (morsel,) = SimpleCookie(response.headers["Set-Cookie"]).values()
    seen = await who(client, morsel.value)

    assert seen == {"sub": "a-sub", "id": (await response.json())["id"], "last_seen": NOW}
    assert records.lifetimes == {key_of(morsel.value): IDLE}


async def test_the_id_that_logs_show_leads_neither_to_the_record_nor_to_the_cookie(client: Client) -> None:
    cookie = await sign_in(client)
    session_id = (await who(client, cookie))["id"]

    assert len(session_id) == 16
    assert session_id not in key_of(cookie)
    assert session_id not in urlsafe_b64decode(cookie + "=").hex()


@pytest.mark.parametrize(
    "planted", ["random", "the same person's", "another person's", "another host's", "old"]
)
async def test_a_session_that_was_planted_is_not_the_one_that_is_opened(
    client: Client, world: World, records: InMemory, planted: str
) -> None:
    match planted:
        case "random":
            before = secrets.token_urlsafe(32)
        case "another host's":
            before = await sign_in(client, "another-sub", host=OTHER_HOST)
        case "the same person's":
            before = await sign_in(client)
        case _:
            before = await sign_in(client, "another-sub")
    if planted == "old":
        world.now += IDLE

    after = await sign_in(client, "a-sub", before)

    assert after != before
    assert (await who(client, after))["sub"] == "a-sub"
    assert await who(client, before) == {}
    assert await who(client, before, host=OTHER_HOST) == {}
    assert set(records.records) == {key_of(after)}


async def test_a_cookie_is_worth_nothing_after_signing_out(client: Client, records: InMemory) -> None:
    cookie = await sign_in(client)
    response = await client.post("/sign-out", headers=fields(cookie))

    assert await response.json() == {"ended": "a-sub"}
    assert records.records == {}
    assert await who(client, cookie) == {}


async def test_signing_out_ends_whatever_the_cookies_lead_to(client: Client, records: InMemory) -> None:
    mine, yours = await sign_in(client, "a-sub"), await sign_in(client, "another-sub", host=OTHER_HOST)
    response = await client.post("/sign-out", headers=fields(yours, mine))

    assert await response.json() == {"ended": "a-sub"}
    assert records.records == {}


async def test_signing_out_without_a_session_is_no_fault(client: Client) -> None:
    response = await client.post("/sign-out", headers=fields(secrets.token_urlsafe(32)))

    assert (response.status, await response.json()) == (200, {"ended": None})


async def test_two_hundred_people_who_sign_in_at_once_are_themselves(client: Client) -> None:
    people = [f"sub-{n}" for n in range(200)]
    cookies = await asyncio.gather(*(sign_in(client, sub) for sub in people))
    pairs = list(zip(people, cookies, strict=True))
    Random("shuffled").shuffle(pairs)  # noqa: S311 - the same order in each run
    seen = await asyncio.gather(*(who(client, cookie) for _, cookie in pairs))

    assert [answer["sub"] for answer in seen] == [sub for sub, _ in pairs]
    assert len({answer["id"] for answer in seen}) == 200


# Whose record it is


async def test_a_session_counts_at_no_other_host(client: Client, records: InMemory) -> None:
    cookie = await sign_in(client)

    assert await who(client, cookie, host=OTHER_HOST) == {}
    assert (await who(client, cookie))["sub"] == "a-sub"
    assert "delete" not in records.calls


async def test_records_that_change_places_are_nobody(client: Client, records: InMemory) -> None:
    mine, yours = await sign_in(client, "a-sub"), await sign_in(client, "another-sub")
    one, other = key_of(mine), key_of(yours)
    records.records[one], records.records[other] = records.records[other], records.records[one]

    assert await who(client, mine) == {}
    assert await who(client, yours) == {}


@pytest.mark.parametrize("broken", [b"", b"x", bytes(1_000)])
async def test_a_record_that_does_not_open_is_nobody_and_is_left_alone(
    client: Client, world: World, records: InMemory, broken: bytes
) -> None:
    cookie = await sign_in(client)
    records.records[key_of(cookie)] = broken

    assert await who(client, cookie) == {}
    assert await who(client, cookie) == {}
    assert records.records[key_of(cookie)] == broken
    assert world.unopened == [session_id(key_of(cookie))]


async def test_a_new_secret_ends_no_session_and_seals_what_is_written_next(
    records: InMemory, aiohttp_client: Any
) -> None:
    before = World(records, sealer=Sealer([OLD_SECRET]))
    during = World(records, sealer=Sealer([SECRET, OLD_SECRET]), now=NOW + IDLE // 10)
    after = World(records, sealer=Sealer([SECRET]), now=NOW + IDLE // 10)
    clients = [
        await aiohttp_client(world.app(), cookie_jar=DummyCookieJar()) for world in (before, during, after)
    ]
    cookie = await sign_in(clients[0])

    assert await who(clients[2], cookie) == {}
    assert (await who(clients[1], cookie))["sub"] == "a-sub"
    assert (await who(clients[2], cookie))["sub"] == "a-sub"
    assert await who(clients[0], cookie) == {}


# Lifetimes


async def test_a_session_that_is_not_used_ends_with_its_idle_lifetime(
    client: Client, world: World, records: InMemory
) -> None:
    cookie = await sign_in(client)
    world.now = NOW + IDLE - 1
    assert (await who(client, cookie))["sub"] == "a-sub"
    world.now += IDLE
    assert await who(client, cookie) == {}

    assert records.records == {}


async def test_a_session_in_use_ends_with_its_absolute_lifetime(
    client: Client, world: World, records: InMemory
) -> None:
    cookie = await sign_in(client)
    for world.now in range(NOW + IDLE // 2, NOW + ABSOLUTE, IDLE // 2):
        assert (await who(client, cookie))["sub"] == "a-sub"
        assert records.lifetimes[key_of(cookie)] == min(IDLE, NOW + ABSOLUTE - world.now)
    world.now = NOW + ABSOLUTE

    assert await who(client, cookie) == {}
    assert records.records == {}


async def test_each_host_has_its_own_lifetimes(client: Client, world: World) -> None:
    cookie = await sign_in(client, host=OTHER_HOST)
    world.now += 60

    assert await who(client, cookie, host=OTHER_HOST) == {}


async def test_the_idle_time_is_written_at_most_every_tenth_of_the_idle_lifetime(
    client: Client, world: World, records: InMemory
) -> None:
    cookie = await sign_in(client)
    for _ in range(IDLE // 60):
        world.now += 60
        assert (await who(client, cookie))["sub"] == "a-sub"

    assert records.calls.count("replace") == 10
    assert (await who(client, cookie))["last_seen"] == world.now


async def test_a_streamed_answer_renews_the_session_too(
    client: Client, world: World, records: InMemory
) -> None:
    cookie = await sign_in(client)
    world.now += IDLE // 2
    response = await client.get("/stream", headers=fields(cookie))
    assert await response.text() == "SignedIn"
    world.now += IDLE // 2

    assert (await who(client, cookie))["sub"] == "a-sub"
    assert records.calls.count("put") == 1


async def test_requests_that_come_together_write_the_idle_time_once(
    client: Client, world: World, records: InMemory
) -> None:
    cookie = await sign_in(client)
    world.now += IDLE // 10
    records.held = asyncio.Event()
    asked = asyncio.gather(*(who(client, cookie) for _ in range(20)))
    await records.called("replace")
    records.held.set()

    assert {answer["sub"] for answer in await asked} == {"a-sub"}
    assert records.calls.count("replace") == 1


async def test_a_late_idle_write_does_not_bring_an_ended_session_back(
    client: Client, world: World, records: InMemory
) -> None:
    cookie = await sign_in(client)
    world.now += IDLE // 10
    records.held = asyncio.Event()
    late = asyncio.create_task(who(client, cookie))
    await records.called("replace")
    await records.delete(key_of(cookie))
    records.held.set()

    assert await late == {}
    assert records.records == {}
    assert await who(client, cookie) == {}


async def test_a_browser_that_goes_away_does_not_cost_its_session_the_idle_write(
    world: World, client: Client, records: InMemory
) -> None:
    cookie = await sign_in(client)
    storage = world.storage()
    world.now += IDLE // 10
    records.held = asyncio.Event()
    request = make_mocked_request("GET", "/", headers=fields(cookie))
    asked = asyncio.create_task(storage.load_session(request))
    await records.called("replace")
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    written = dict(records.records)
    records.held.set()
    await storage.close()

    assert records.records != written
    world.now += IDLE - 1

    assert (await who(client, cookie))["sub"] == "a-sub"


# The store is away


async def test_a_store_that_cannot_be_read_is_not_a_sign_out(client: Client, records: InMemory) -> None:
    cookie = await sign_in(client)
    records.failing = {"get"}
    response = await client.get("/", headers=fields(cookie))

    assert response.status == 503
    assert "Set-Cookie" not in response.headers

    records.failing = set()
    assert (await who(client, cookie))["sub"] == "a-sub"


@pytest.mark.parametrize("failing", ["put", "delete"])
async def test_a_sign_in_that_the_store_does_not_take_changes_nothing_in_the_browser(
    client: Client, records: InMemory, failing: str
) -> None:
    before = await sign_in(client, "another-sub")
    records.failing = {failing}
    response = await client.post("/sign-in", params={"sub": "a-sub"}, headers=fields(before))

    assert response.status == 503
    assert "Set-Cookie" not in response.headers
    assert (await who(client, before))["sub"] == "another-sub"


@pytest.mark.parametrize("failing", ["get", "delete"])
async def test_a_sign_out_that_the_store_does_not_take_leaves_the_cookie(
    client: Client, records: InMemory, failing: str
) -> None:
    cookie = await sign_in(client)
    records.failing = {failing}
    response = await client.post("/sign-out", headers=fields(cookie))

    assert response.status == 503
    assert "Set-Cookie" not in response.headers

    records.failing = set()
    assert (await who(client, cookie))["sub"] == "a-sub"


async def test_a_store_that_takes_no_writes_keeps_people_signed_in_and_says_so(
    client: Client, world: World, records: InMemory
) -> None:
    cookie = await sign_in(client)
    records.failing = {"replace"}
    world.now += IDLE // 2

    assert (await who(client, cookie))["sub"] == "a-sub"
    assert [error.fault for error in world.reported] == [Fault.STORE_UNREACHABLE]


async def test_a_session_that_ended_is_nobody_even_if_its_record_cannot_be_deleted(
    client: Client, world: World, records: InMemory
) -> None:
    cookie = await sign_in(client)
    records.failing = {"delete"}
    world.now += IDLE

    assert await who(client, cookie) == {}
    assert [error.fault for error in world.reported] == [Fault.STORE_UNREACHABLE]


# The parts around it


async def test_a_new_session_is_nobody(world: World) -> None:
    held = await world.storage().new_session()

    assert (held.value, held.cookie) == (ANONYMOUS, None)


async def test_a_session_of_another_kind_is_nobody() -> None:
    other = aiohttp_session.Session(None, data={"session": {"sub": "a-sub"}}, new=False)
    request = make_mocked_request("GET", "/")
    request[aiohttp_session.SESSION_KEY] = other

    assert await current_session(request) == ANONYMOUS


async def test_a_handler_without_the_storage_around_it_says_what_is_missing() -> None:
    with pytest.raises(TypeError, match=r"aiohttp_session\.setup"):
        await end_session(make_mocked_request("GET", "/"))


# What a thief finds


def found_in(stolen: bytes, cookie: str) -> list[str]:
    known = {
        "e-mail": EMAIL,
        "domain": "agriculture",
        "sub": "a-telling-sub",
        "name": "Lef",
        "ID token": ID_TOKEN,
        "refresh token": REFRESH_TOKEN,
        "nonce": "a-nonce",
        "cookie": cookie,
        "part of the cookie": cookie[:16],
        "host": HOST,
        "field": "usual_name",
    }
    bits = urlsafe_b64decode(cookie + "=")
    return [
        *(name for name, text in known.items() if text.encode() in stolen),
        *(["bits"] if bits in stolen or bits.hex().encode() in stolen else []),
    ]


@pytest.fixture
async def sqlite_file(tmp_path: Path) -> AsyncIterator[tuple[SqliteRecords, Path]]:
    path = tmp_path / "sessions.db"
    records = await SqliteRecords.open(path, clock=lambda: NOW)
    yield records, path
    await records.close()


async def test_a_stolen_sqlite_file_tells_nothing_about_people(
    sqlite_file: tuple[SqliteRecords, Path], aiohttp_client: Any
) -> None:
    records, path = sqlite_file
    client = await aiohttp_client(World(records).app(), cookie_jar=DummyCookieJar())
    cookie = await sign_in(client, "a-telling-sub")
    stolen = b"".join(_contents(path.parent))
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM records").fetchone()
    connection.close()

    assert count == 1
    assert key_of(cookie).encode() in stolen
    assert found_in(stolen, cookie) == []


def _contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


def _taken(dump: Path) -> bytes:
    content = dump.read_bytes()
    dump.unlink()
    return content


@pytest.mark.real
async def test_a_stolen_redis_dump_tells_nothing_about_people(
    redis_server: RedisServer, aiohttp_client: Any
) -> None:
    records = RedisRecords.open(redis_server.url)
    client = await aiohttp_client(World(records).app(), cookie_jar=DummyCookieJar())
    cookie = await sign_in(client, "a-telling-sub")
    assert (await who(client, cookie))["sub"] == "a-telling-sub"
    with Redis(port=redis_server.port, decode_responses=True) as redis:
        redis.config_set("rdbcompression", "no")
        redis.save()
        stolen = _taken(Path(redis.config_get("dir")["dir"], redis.config_get("dbfilename")["dbfilename"]))
    await records.close()

    assert key_of(cookie).encode() in stolen
    assert found_in(stolen, cookie) == []
