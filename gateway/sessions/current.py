"""Adapter to aiohttp-session: the session of a request, for handlers; to sign people in, and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aiohttp import web
from aiohttp_session import STORAGE_KEY, get_session

from gateway.secret import Secret
from gateway.sessions.session import ANONYMOUS, Claims, Grant, Session, SignedIn
from gateway.sessions.storage import HeldSession, SessionStorage

_T = TypeVar("_T")


async def current_session(request: web.Request) -> Session:
    """Who is behind a request, read at most once for each request.

    Raises:
        StoreError: the store did not answer.
    """
    held = await get_session(request)
    return held.value if isinstance(held, HeldSession) else ANONYMOUS


async def derived(request: web.Request, name: str, make: Callable[[SignedIn], _T]) -> _T:
    """What follows from the claims of the person behind a request, made once for many requests.

    Args:
        request: of somebody who is signed in.
        name: what it is; one name always means the same `make`.
        make: makes it.

    Raises:
        StoreError: the store did not answer.
    """
    held = await get_session(request)
    if not isinstance(held, HeldSession) or not isinstance(held.value, SignedIn):
        raise TypeError("nobody is signed in")
    return make(held.value) if held.kept is None else held.kept.derived(name, make)


async def open_session(
    request: web.Request,
    *,
    host: str,
    provider: str,
    claims: Claims,
    id_token: Secret,
    now: int,
    sid: str | None = None,
    grant: Grant | None = None,
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
        grant: what the session is refreshed with, if it is.

    Raises:
        StoreError: the store did not answer. The browser keeps the cookie it has, and gets no other.
    """
    return await _storage(request).open(
        request, host=host, provider=provider, claims=claims, id_token=id_token, sid=sid, grant=grant, now=now
    )


async def end_session(request: web.Request) -> SignedIn | None:
    """Sign whoever is behind a request out, and tell who it was.

    The record is deleted when this returns; the handler's answer takes the cookie away, if it is a plain
    `web.Response`.

    Raises:
        StoreError: the store did not answer. The session goes on, and the browser keeps its cookie.
    """
    return await _storage(request).end(request, await current_session(request))


async def give_cookie(request: web.Request, response: web.Response) -> None:
    """Have an answer that passes no middleware give the browser its cookie, or take it away.

    Args:
        request: after `open_session` or `end_session`.
        response: the answer to it.
    """
    await _storage(request).save_session(request, response, await get_session(request))


def _storage(request: web.Request) -> SessionStorage:
    storage = request.get(STORAGE_KEY)
    if not isinstance(storage, SessionStorage):
        raise TypeError("aiohttp_session.setup(app, SessionStorage(...)) is missing")
    return storage
