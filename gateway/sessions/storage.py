"""Adapter to aiohttp-session: cookie to record to Session, and back; and what a record store must do.

What a record looks like is in `sessions.cookie`, when a session ends in `sessions.session`. Handlers use the
three functions at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from typing import Protocol

from aiohttp import web
from aiohttp_session import SESSION_KEY, STORAGE_KEY, AbstractStorage, get_session
from aiohttp_session import Session as BaseSession

from gateway.errors import StoreError
from gateway.secret import Secret
from gateway.sessions.cookie import SessionCookie, new_cookie, read_cookies
from gateway.sessions.seal import Sealer
from gateway.sessions.session import ANONYMOUS, Claims, Lifetimes, Session, SignedIn
from gateway.sessions.summary import Listed, Sighting, Summaries


class RecordStore(Protocol):
    """Sealed records by key, each with its lifetime in seconds (1 or more).

    Every method raises StoreError with STORE_UNREACHABLE when the store does not answer, or not in time.
    """

    async def get(self, key: str) -> bytes | None:
        """Return the record; None when there is none or its lifetime has passed."""

    async def put(self, key: str, record: bytes, *, lifetime: int, listed: Listed | None = None) -> None:
        """Write a record, whatever was there, and what is listed of it; both end together."""

    async def replace(self, key: str, record: bytes, *, lifetime: int, listed: Listed | None = None) -> bool:
        """Write a record over one that is still there; False, and nothing written, when none is."""

    async def delete(self, key: str) -> None:
        """Delete a record, if there is one, and what is listed of it."""

    async def claim(self, key: str, *, lifetime: int) -> bool:
        """Take a key: True for one caller, False for every other until the lifetime has passed."""

    async def ping(self) -> None:
        """Make sure that the store answers and takes writes."""

    async def close(self) -> None:
        """Let go of the store."""


class SessionIndex(Protocol):
    """What a store can tell of its sessions without their cookies; the same errors as a RecordStore's."""

    async def find(self, indexes: Collection[str]) -> list[tuple[str, bytes]]:
        """Return the key and the sealed summary of each session that one of these names leads to."""

    def every(self) -> AsyncIterator[tuple[str, bytes | None]]:
        """Go through the key of each session, with its sealed summary if it has one, in no order."""


class SessionStore(RecordStore, SessionIndex, Protocol):
    """A whole store."""


class HeldSession(BaseSession):
    """The session as aiohttp-session carries it with the request.

    Args:
        value: who is behind the request.
        cookie: what leads to its record; None for nobody.
    """

    def __init__(self, value: Session, cookie: SessionCookie | None = None) -> None:
        super().__init__(None, data=None, new=cookie is None)
        self.value = value
        self.cookie = cookie


class SessionStorage(AbstractStorage):
    """Finds, opens, renews and ends sessions.

    Args:
        records: where sealed records are kept.
        sealer: seals and opens them.
        lifetimes: the lifetimes of sessions opened at a host.
        summaries: makes what is listed of a session.
        host_of: the host that a request is for; a session opened at another one does not count.
        sighting_of: where a request comes from.
        clock: Unix seconds.
        random: draws octets for cookies and nonces.
        secure: whether browsers use https here. Then the cookie is `Secure` and has the prefix that keeps
            sibling hosts and plain http from setting it (RFC 6265bis section 4.1.3.2).
        report: told of a write that failed although the session was read: the request goes on without it.
    """

    def __init__(
        self,
        *,
        records: RecordStore,
        sealer: Sealer,
        lifetimes: Callable[[str], Lifetimes],
        summaries: Summaries,
        host_of: Callable[[web.Request], str],
        sighting_of: Callable[[web.Request], Sighting],
        clock: Callable[[], int],
        random: Callable[[int], bytes],
        secure: bool,
        report: Callable[[StoreError], None],
    ) -> None:
        super().__init__(cookie_name="__Host-gateway" if secure else "gateway")
        self._records = records
        self._sealer = sealer
        self._lifetimes = lifetimes
        self._summaries = summaries
        self._host_of = host_of
        self._sighting_of = sighting_of
        self._clock = clock
        self._random = random
        self._secure = secure
        self._report = report
        self._renewals: dict[str, asyncio.Task[bool]] = {}

    async def load_session(self, request: web.Request) -> HeldSession:
        """Who is behind a request: the first of its cookies that leads to a living session of this host.

        Raises:
            StoreError: the store did not answer. Nothing is known about the person then.
        """
        for cookie in self._cookies(request):
            session = await self._read(request, cookie, host=self._host_of(request), now=self._clock())
            if isinstance(session, SignedIn):
                return HeldSession(session, cookie)
        return HeldSession(ANONYMOUS)

    async def new_session(self) -> HeldSession:
        """Nobody's session."""
        return HeldSession(ANONYMOUS)

    async def save_session(
        self,
        request: web.Request,  # noqa: ARG002 - the interface's
        response: web.StreamResponse,
        session: BaseSession,
    ) -> None:
        """Give the browser its cookie, or take it away; `open` and `end` have dealt with the record before.

        Without `Secure`, browsers would ignore the deletion of a `__Host-` cookie.
        """
        if isinstance(session, HeldSession) and session.cookie is not None:
            response.set_cookie(
                self.cookie_name,
                session.cookie.value.reveal(),
                path="/",
                secure=self._secure,
                httponly=True,
                samesite="Lax",
            )
        else:
            response.del_cookie(
                self.cookie_name, path="/", secure=self._secure, httponly=True, samesite="Lax"
            )

    async def open(
        self,
        request: web.Request,
        *,
        host: str,
        provider: str,
        claims: Claims,
        id_token: Secret,
        sid: str | None,
        now: int,
    ) -> SignedIn:
        """Open a session; see `open_session`."""
        cookie = new_cookie(self._random)
        session = SignedIn(
            id=cookie.session_id,
            host=host,
            provider=provider,
            claims=claims,
            id_token=id_token,
            signed_in_at=now,
            last_seen=now,
            sid=sid,
        )
        await self._records.put(
            cookie.key,
            cookie.seal(session, sealer=self._sealer, random=self._random),
            lifetime=self._lifetimes(host).remaining(session, now=now),
            listed=self._listed(cookie, session, self._sighting_of(request)),
        )
        await self._delete_presented(request)
        self._hold(request, HeldSession(session, cookie))
        return session

    async def end(self, request: web.Request) -> SignedIn | None:
        """End the session of a request; see `end_session`."""
        session = await current_session(request)
        await self._delete_presented(request)
        self._hold(request, HeldSession(ANONYMOUS))
        return session if isinstance(session, SignedIn) else None

    async def close(self) -> None:
        """Wait for the writes that are under way. The store is closed by whoever opened it."""
        await asyncio.gather(*self._renewals.values())

    def _cookies(self, request: web.Request) -> tuple[SessionCookie, ...]:
        return read_cookies(request.headers.getall("Cookie", ()), name=self.cookie_name)

    async def _delete_presented(self, request: web.Request) -> None:
        # Whoever they belong to: who shows a cookie holds that session, and a planted one must not live on.
        for cookie in self._cookies(request):
            await self._records.delete(cookie.key)

    def _listed(self, cookie: SessionCookie, session: SignedIn, seen: Sighting) -> Listed:
        return self._summaries.listed(session, seen, key=cookie.key, random=self._random)

    @staticmethod
    def _hold(request: web.Request, held: HeldSession) -> None:
        held.changed()
        request[SESSION_KEY] = held

    async def _read(self, request: web.Request, cookie: SessionCookie, *, host: str, now: int) -> Session:
        record = await self._records.get(cookie.key)
        session = ANONYMOUS if record is None else cookie.open(record, sealer=self._sealer)
        if not isinstance(session, SignedIn) or session.host != host:
            return ANONYMOUS
        lifetimes = self._lifetimes(host)
        if not lifetimes.alive(session, now=now):
            await self._drop(cookie.key)
            return ANONYMOUS
        if not lifetimes.idle_write_due(session, now=now):
            return session
        seen = session.seen(now)
        return seen if await self._renewed(request, cookie, seen, lifetimes) else ANONYMOUS

    async def _drop(self, key: str) -> None:
        try:
            await self._records.delete(key)
        except StoreError as error:
            self._report(error)

    async def _renewed(
        self, request: web.Request, cookie: SessionCookie, seen: SignedIn, lifetimes: Lifetimes
    ) -> bool:
        """Write the idle time, once for all the requests that find it due; False when the record is gone.

        The write outlives its request: a browser that goes away must not shorten its own session.
        """
        task = self._renewals.get(cookie.key)
        if task is None:
            sighting = self._sighting_of(request)
            task = asyncio.create_task(self._renew(cookie, seen, sighting, lifetimes))
            self._renewals[cookie.key] = task
            task.add_done_callback(lambda _: self._renewals.pop(cookie.key))
        return await asyncio.shield(task)

    async def _renew(
        self, cookie: SessionCookie, seen: SignedIn, sighting: Sighting, lifetimes: Lifetimes
    ) -> bool:
        record = cookie.seal(seen, sealer=self._sealer, random=self._random)
        try:
            return await self._records.replace(
                cookie.key,
                record,
                lifetime=lifetimes.remaining(seen, now=seen.last_seen),
                listed=self._listed(cookie, seen, sighting),
            )
        except StoreError as error:
            # The store answered who this is a moment ago; that it takes no writes is not the person's end.
            self._report(error)
            return True


async def current_session(request: web.Request) -> Session:
    """Who is behind a request, read at most once for each request.

    Raises:
        StoreError: the store did not answer.
    """
    held = await get_session(request)
    return held.value if isinstance(held, HeldSession) else ANONYMOUS


async def open_session(
    request: web.Request,
    *,
    host: str,
    provider: str,
    claims: Claims,
    id_token: Secret,
    now: int,
    sid: str | None = None,
) -> SignedIn:
    """Sign a person in: a new cookie, a new record; the records of all cookies the browser showed go.

    The record is in the store when this returns, and the browser gets the cookie with the handler's answer,
    if that is a plain `web.Response`.

    Args:
        request: the callback's request.
        host: the host the session counts at.
        provider: the settings' name of the provider.
        claims: what it said about the person; `sub` is a text.
        id_token: kept for sign-out.
        now: Unix seconds.
        sid: the provider's own session, if its ID token named one.

    Raises:
        StoreError: the store did not answer. The browser keeps the cookie it has, and gets no other.
    """
    return await _storage(request).open(
        request, host=host, provider=provider, claims=claims, id_token=id_token, sid=sid, now=now
    )


async def end_session(request: web.Request) -> SignedIn | None:
    """Sign whoever is behind a request out, and tell who it was.

    The record is deleted when this returns; the handler's answer takes the cookie away, if it is a plain
    `web.Response`.

    Raises:
        StoreError: the store did not answer. The session goes on, and the browser keeps its cookie.
    """
    return await _storage(request).end(request)


def _storage(request: web.Request) -> SessionStorage:
    storage = request.get(STORAGE_KEY)
    if not isinstance(storage, SessionStorage):
        raise TypeError("aiohttp_session.setup(app, SessionStorage(...)) is missing")
    return storage
