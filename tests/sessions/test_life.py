"""The life of sessions through two gateways, over each kind of store, which may fail at any time."""

from __future__ import annotations

import asyncio
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar, cast

from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp_session import SESSION_KEY
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from gateway.errors import Fault, StoreError
from gateway.secret import Secret
from gateway.sessions.cookie import SessionCookie
from gateway.sessions.record_cache import DEAF_AGE, RecordCache
from gateway.sessions.seal import Sealer
from gateway.sessions.session import Lifetimes, SignedIn
from gateway.sessions.storage import SessionStorage
from gateway.sessions.store import RecordStore
from gateway.sessions.summary import Sighting, Summaries
from gateway.sessions.unopened import Unopened
from tests.support.stores import Backend

T = TypeVar("T")

MINUTE = 60
LIFETIMES = Lifetimes(idle=10 * MINUTE, absolute=25 * MINUTE)
SEALER = Sealer([Secret("s" * 43)])
NUMBERS = st.integers(0, 5)
WHICH = st.integers(0, 1)


@dataclass
class Failing:
    """A store whose next calls fail, before they do anything or when all is done."""

    records: RecordStore
    failures: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        called = getattr(self.records, name)

        async def call(*args: Any, **named: Any) -> Any:
            when = self.failures.pop() if self.failures else ""
            if when == "before":
                raise StoreError(Fault.STORE_UNREACHABLE)
            answer = await called(*args, **named)
            if when == "after":
                raise StoreError(Fault.STORE_UNREACHABLE)
            return answer

        return call


@dataclass
class Person:
    """What must hold of one session.

    Args:
        cookie: the browser's.
        signed_in_at: by the machine's clock.
        seen: when it was last used: surely, and perhaps.
        ended: whether it was ended: "no", "perhaps" when nobody was told that it worked, or "yes".
    """

    cookie: SessionCookie
    signed_in_at: int
    seen: tuple[int, int]
    ended: str = "no"


class Life(RuleBasedStateMachine):
    """No session is another's, outlives its end or a lifetime, or is lost by a store that fails."""

    backend: ClassVar[Backend]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = 1_000_000
        self.stores = self.run(self.backend.open())
        self.failing = [Failing(self.stores[n % len(self.stores)]) for n in range(2)]
        self.gateways = [self.gateway(cast("RecordStore", failing)) for failing in self.failing]
        self.people: list[Person] = []
        self.failed_at = 0

    def run(self, asked: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(asked)

    def gateway(self, records: RecordStore) -> SessionStorage:
        return SessionStorage(
            records=records,
            # Nothing is heard of, so that each session is asked for again after a moment.
            cache=RecordCache(
                records,
                clock=lambda: self.now,
                stale_lifetime=0,
                ended=lambda _: None,
                report=lambda _: None,
            ),
            sealer=SEALER,
            lifetimes=lambda _: LIFETIMES,
            summaries=Summaries(SEALER, kept=LIFETIMES.idle),
            host_of=lambda request: request.host,
            sighting_of=lambda _: Sighting(),
            clock=lambda: self.now,
            random=secrets.token_bytes,
            secure=True,
            report=lambda _: None,
            unopened=Unopened(records, lambda *_: None),
        )

    @rule(which=WHICH)
    def create(self, which: int) -> None:
        try:
            self.run(self.signs_in(which, f"sub-{len(self.people)}"))
        except StoreError:
            return

    async def signs_in(self, which: int, sub: str) -> None:
        storage, request = self.gateways[which], a_request()
        storage.attend(request)
        await storage.open(
            request,
            host=request.host,
            provider="sso",
            claims={"sub": sub},
            id_token=Secret("an.id.token"),
            sid=None,
            grant=None,
            now=self.now,
        )
        response = web.Response()
        await storage.save_session(request, response, request[SESSION_KEY])
        cookie = SessionCookie(bits_of(response))
        self.people.append(Person(cookie, self.now, (self.now, self.now)))

    @rule(which=WHICH, number=NUMBERS)
    def read(self, which: int, number: int) -> None:
        """Read, which is use: the idle lifetime begins anew, if the store takes it."""
        if number >= len(self.people):
            return
        person = self.people[number]
        if failing := bool(self.failing[which].failures):
            self.failed_at = self.now
        request = a_request(person.cookie)
        try:
            value = self.run(self.gateways[which].load_session(request)).value
        except StoreError:
            assert failing
            return
        surely, perhaps = person.seen
        over = self.now >= person.signed_in_at + LIFETIMES.absolute
        if isinstance(value, SignedIn):
            assert value.sub == f"sub-{number}"
            assert person.ended != "yes"
            assert not over
            assert self.now < perhaps + LIFETIMES.idle
            # It is written at most every tenth of the idle lifetime, and after a failure not at once.
            certain = self.now >= self.failed_at + DEAF_AGE
            person.seen = (max(surely, self.now - LIFETIMES.idle // 10) if certain else surely, self.now)
        else:
            idle = self.now >= surely + LIFETIMES.idle
            assert person.ended != "no" or over or idle
            person.ended = "yes"
            self.pass_time(int(DEAF_AGE))

    @rule(which=WHICH, number=NUMBERS)
    def revoke(self, which: int, number: int) -> None:
        """End it, and let the moment pass for which gateways that hear nothing believe in it."""
        if number >= len(self.people):
            return
        person = self.people[number]
        try:
            self.run(self.failing[which].delete(person.cookie.key))
        except StoreError:
            person.ended = "perhaps" if person.ended == "no" else person.ended
        else:
            person.ended = "yes"
        self.pass_time(int(DEAF_AGE))

    @rule(minutes=st.integers(1, 9))
    def expire(self, minutes: int) -> None:
        self.pass_time(minutes * MINUTE)

    def pass_time(self, seconds: int) -> None:
        self.backend.pass_time(seconds)
        self.now += seconds

    @rule(which=WHICH, failures=st.lists(st.sampled_from(["before", "after", ""]), min_size=1, max_size=3))
    def fail(self, which: int, failures: list[str]) -> None:
        self.failing[which].failures = failures

    def teardown(self) -> None:
        for failing in self.failing:
            failing.failures.clear()
        for store in self.stores:
            self.run(store.close())
        self.runner.close()


def a_request(cookie: SessionCookie | None = None) -> web.Request:
    fields = {"Host": "app.example"}
    if cookie is not None:
        fields["Cookie"] = f"__Host-gateway={cookie.value.reveal()}"
    return make_mocked_request("GET", "/", headers=fields)


def bits_of(response: web.Response) -> bytes:
    return urlsafe_b64decode(response.cookies["__Host-gateway"].value + "=")


def test_no_session_is_anothers_or_outlives_its_end_or_is_lost(backend: Backend) -> None:
    class LifeHere(Life):
        pass

    LifeHere.backend = backend
    run_state_machine_as_test(
        LifeHere, settings=settings(max_examples=60, stateful_step_count=30, deadline=None)
    )
