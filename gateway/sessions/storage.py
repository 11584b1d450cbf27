"""Adapter to aiohttp-session: cookie to record to Session, and back.

What a record looks like is in `sessions.cookie`, when a session ends in `sessions.session`, what is kept of
sessions read lately in `sessions.record_cache`. Handlers use the functions of `sessions.current`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp_session import SESSION_KEY, STORAGE_KEY, AbstractStorage
from aiohttp_session import Session as BaseSession

from gateway.errors import StoreError
from gateway.secret import Secret
from gateway.sessions.cookie import SessionCookie, new_cookie, read_cookies
from gateway.sessions.record_cache import Kept, RecordCache
from gateway.sessions.refreshing import Refreshing
from gateway.sessions.seal import Sealer
from gateway.sessions.session import ANONYMOUS, Claims, Grant, Lifetimes, Session, SignedIn
from gateway.sessions.store import RecordStore
from gateway.sessions.summary import Sighting, Summaries
from gateway.sessions.unopened import Unopened
from gateway.sessions.writer import Writer


class HeldSession(BaseSession):
    """The session as aiohttp-session carries it with the request.

    Args:
        value: who is behind the request.
        cookie: what leads to its record; None for nobody.
        kept: what is kept of it between requests; None for nobody, and for who has just signed in.
    """

    def __init__(self, value: Session, cookie: SessionCookie | None = None, kept: Kept | None = None) -> None:
        super().__init__(None, data=None, new=cookie is None)
        self.value = value
        self.cookie = cookie
        self.kept = kept


class SessionStorage(AbstractStorage):
    """Finds, opens, renews and ends sessions.

    Args:
        records: where sealed records are kept.
        cache: the sessions read lately, of the same records.
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
        unopened: told of records that do not open.
        refreshing: sessions that are refreshed, made of what writes them; None where none are.
    """

    def __init__(
        self,
        *,
        records: RecordStore,
        cache: RecordCache,
        sealer: Sealer,
        lifetimes: Callable[[str], Lifetimes],
        summaries: Summaries,
        host_of: Callable[[web.Request], str],
        sighting_of: Callable[[web.Request], Sighting],
        clock: Callable[[], int],
        random: Callable[[int], bytes],
        secure: bool,
        report: Callable[[StoreError], None],
        unopened: Unopened,
        refreshing: Callable[[Writer], Refreshing] | None = None,
    ) -> None:
        super().__init__(cookie_name="__Host-gateway" if secure else "gateway")
        self._records = records
        self._cache = cache
        self._writer = Writer(
            cache=cache, sealer=sealer, lifetimes=lifetimes, summaries=summaries, random=random
        )
        self._refreshing = None if refreshing is None else refreshing(self._writer)
        self._lifetimes = lifetimes
        self._host_of = host_of
        self._sighting_of = sighting_of
        self._clock = clock
        self._random = random
        self._secure = secure
        self._report = report
        self._unopened = unopened
        self._renewals: dict[str, asyncio.Task[Kept | None]] = {}

    def attend(self, request: web.Request) -> None:
        """Have `current_session` and the like know of this storage, without aiohttp-session's middleware."""
        request[STORAGE_KEY] = self

    async def load_session(self, request: web.Request) -> HeldSession:
        """Who is behind a request: the first of its cookies that leads to a living session of this host.

        Raises:
            StoreError: the store did not answer. Nothing is known about the person then.
        """
        for cookie in self._cookies(request):
            kept = await self._read(request, cookie, host=self._host_of(request), now=self._clock())
            if kept is not None:
                return HeldSession(kept.session, cookie, kept)
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
        grant: Grant | None,
        now: int,
    ) -> SignedIn:
        """Open a session; see `sessions.current.open_session`."""
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
            grant=grant,
        )
        await self._records.put(
            cookie.key,
            self._writer.sealed(cookie, session),
            lifetime=self._lifetimes(host).remaining(session, now=now),
            listed=self._writer.listed(cookie, session, self._sighting_of(request)),
        )
        await self._delete_presented(request)
        self._hold(request, HeldSession(session, cookie))
        return session

    async def end(self, request: web.Request, session: Session) -> SignedIn | None:
        """End the session of a request; see `sessions.current.end_session`."""
        await self._delete_presented(request)
        self._hold(request, HeldSession(ANONYMOUS))
        return session if isinstance(session, SignedIn) else None

    async def close(self) -> None:
        """Wait for the writes that are under way. The store is closed by whoever opened it."""
        await asyncio.gather(*self._renewals.values())
        if self._refreshing is not None:
            await self._refreshing.close()

    def _cookies(self, request: web.Request) -> tuple[SessionCookie, ...]:
        return read_cookies(request.headers.getall("Cookie", ()), name=self.cookie_name)

    async def _delete_presented(self, request: web.Request) -> None:
        # Whoever they belong to: who shows a cookie holds that session, and a planted one must not live on.
        for cookie in self._cookies(request):
            await self._cache.delete(cookie.key)

    @staticmethod
    def _hold(request: web.Request, held: HeldSession) -> None:
        held.changed()
        request[SESSION_KEY] = held

    async def _read(self, request: web.Request, cookie: SessionCookie, *, host: str, now: int) -> Kept | None:
        lifetimes = self._lifetimes(host)
        kept = self._cache.warm(cookie.key)
        if kept is None or not lifetimes.settled(kept.session, now=now):
            # Another gateway may know better when the person was last here.
            kept = await self._ask(request, cookie)
        if kept is None or kept.session.host != host:
            return None
        if not lifetimes.alive(kept.session, now=now):
            await self._drop(cookie.key)
            return None
        if self._refreshing is not None and self._refreshing.due(kept.session):
            return await self._refreshing.refreshed(cookie, kept, self._sighting_of(request))
        if lifetimes.idle_write_due(kept.session, now=now):
            return await self._renewed(request, cookie, kept)
        return kept

    async def _ask(self, request: web.Request, cookie: SessionCookie) -> Kept | None:
        refused, opener = False, self._writer.opener(cookie)

        def opened(record: bytes) -> Session:
            nonlocal refused
            session = opener(record)
            refused = not isinstance(session, SignedIn)
            return session

        kept = await self._cache.read(cookie.key, opened)
        if refused:
            await self._unopened.found(request, cookie)
        return kept

    async def _drop(self, key: str) -> None:
        try:
            await self._cache.delete(key)
        except StoreError as error:
            self._report(error)

    async def _renewed(self, request: web.Request, cookie: SessionCookie, kept: Kept) -> Kept | None:
        """Write the idle time, once for all the requests that find it due; None when the record is gone.

        The write outlives its request: a browser that goes away must not shorten its own session.
        """
        task = self._renewals.get(cookie.key)
        if task is None:
            task = asyncio.create_task(self._renew(cookie, kept, self._sighting_of(request)))
            self._renewals[cookie.key] = task
            task.add_done_callback(lambda _: self._renewals.pop(cookie.key))
        return await asyncio.shield(task)

    async def _renew(self, cookie: SessionCookie, kept: Kept, sighting: Sighting) -> Kept | None:
        seen = kept.session.seen(self._clock())
        try:
            if await self._writer.replace(cookie, kept, seen, sighting):
                return kept
            # It has ended, or another gateway has written meanwhile.
            return (
                None
                if seen.grant is None
                else await self._cache.read(cookie.key, self._writer.opener(cookie))
            )
        except StoreError as error:
            # The store said lately who this is; that it takes no writes now is not the person's end. The
            # write is tried again once the store is asked again, and not at each request meanwhile.
            self._report(error)
            kept.session = kept.session.seen(seen.last_seen)
            return kept
