"""The sessions of many people, written into a Redis as gateways would have written them, only faster.

Each is modelled on a session that a gateway has opened, and sealed as that one was: only names, addresses and
numbers differ. Nothing is asked of a gateway here.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any, Final, TypeAlias, cast

from hiredis import pack_command
from redis import Redis

from bench.errors import CannotMeasureError
from bench.servers.front import Front
from gateway.secret import Secret
from gateway.sessions.cookie import SessionCookie, read_cookies
from gateway.sessions.keys import summary_key
from gateway.sessions.seal import Sealer
from gateway.sessions.session import SignedIn
from gateway.sessions.summary import Sighting, Summaries
from tests.support.processes import LOOPBACK

IDLE_LIFETIME: Final = 3600
"""Seconds; the gateway's default, which the bench's gateways have."""

_Command: TypeAlias = tuple[str | int | float | bytes | memoryview, ...]

_COOKIE: Final = "gateway"
_OF_ONE_ORGANISATION: Final = 100  # people
_SEEN: Final = Sighting(
    "198.51.100.17", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)
_AHEAD: Final = 600  # seconds: no idle time is due to be written while the bench measures
_PAGE: Final = 500  # people
_SILENCE: Final = b"CLIENT REPLY OFF\r\n"
_SPEECH: Final = b"CLIENT REPLY ON\r\n"
_SPOKEN: Final = b"+OK\r\n"
_PATIENCE: Final = 60.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """People who are signed in, by their numbers.

    Args:
        model: the session that each one's resembles.
        secret: the gateway's.
        seed: each other one makes other people's cookies.
    """

    model: SignedIn = field(repr=False)
    secret: Secret
    seed: bytes = field(default_factory=partial(secrets.token_bytes, 32), repr=False)

    def cookie(self, number: int) -> str:
        """The Cookie field of one of them."""
        return f"{_COOKIE}={self._cookie(number).value.reveal()}"

    def write(self, port: int, numbers: range) -> None:
        """Write the sessions of some of them, on every core.

        Args:
            port: of the Redis.
            numbers: theirs.

        Raises:
            CannotMeasureError: Redis has not taken all of them.
        """
        with closing(Redis(port=port)) as redis:
            before = int(redis.dbsize())
            cores = os.cpu_count() or 1
            shares = [numbers[core::cores] for core in range(cores)]
            # Not forked: this process has threads, which read what the bench's programs write.
            with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
                list(pool.map(partial(_write, self, port), shares))
            # A record and a summary each, besides indexes.
            if int(redis.dbsize()) < before + 2 * len(numbers):
                raise CannotMeasureError(f"Redis has not taken {len(numbers)} sessions")

    def commands(self, number: int, sealer: Sealer, summaries: Summaries, *, now: int) -> Iterator[_Command]:
        """What `RedisRecords` says to Redis to put one session; a test holds the two together."""
        cookie, session = self._cookie(number), self._session(number, now)
        listed = summaries.listed(session, _SEEN, key=cookie.key, random=secrets.token_bytes)
        record = cookie.seal(session, sealer=sealer, random=secrets.token_bytes)
        yield "SET", cookie.key, record, "EX", IDLE_LIFETIME
        yield "SET", summary_key(cookie.key), listed.summary, "EX", IDLE_LIFETIME
        for index in listed.indexes:
            yield "ZADD", index, listed.at + IDLE_LIFETIME, cookie.key
            yield "EXPIRE", index, max(listed.kept, IDLE_LIFETIME)

    def _cookie(self, number: int) -> SessionCookie:
        return SessionCookie(sha256(self.seed + number.to_bytes(8, "big")).digest())

    def _session(self, number: int, now: int) -> SignedIn:
        claims = {
            **self.model.claims,
            "sub": sha256(self.seed + b"sub" + number.to_bytes(8, "big")).hexdigest(),
            "email": f"agent-{number:08}@morbihan.example.gouv.fr",
            "siret": f"{number // _OF_ONE_ORGANISATION:014}",
        }
        return replace(
            self.model,
            id=self._cookie(number).session_id,
            claims=claims,
            sid=self.model.sid and f"{number:08}-{self.model.sid}",
            signed_in_at=now,
            last_seen=now + _AHEAD,
        )


def crowd_like(front: Front, port: int, secret: Secret) -> Crowd:
    """People like the one who is signed in at a gateway.

    Args:
        front: the gateway.
        port: of its Redis.
        secret: its secret.

    Raises:
        CannotMeasureError: nobody is signed in there.
    """
    sealer = Sealer([secret])
    with closing(Redis(port=port)) as redis:
        for cookie in read_cookies([front.cookie], name=_COOKIE):
            record = redis.get(cookie.key)
            session = cookie.open(record, sealer=sealer) if isinstance(record, bytes) else None
            if isinstance(session, SignedIn):
                return Crowd(model=session, secret=secret)
    raise CannotMeasureError("nobody is signed in")


def _packed(command: _Command) -> bytes:
    """A command as Redis reads it; the package's types know only tuples of one."""
    packed: bytes = pack_command(cast("Any", command))
    return packed


def _write(crowd: Crowd, port: int, numbers: Sequence[int]) -> None:
    """Write some of them, without waiting for answers."""
    sealer = Sealer([crowd.secret])
    summaries = Summaries(sealer, kept=IDLE_LIFETIME)
    now = int(time.time())
    with closing(socket.create_connection((LOOPBACK, port), timeout=_PATIENCE)) as connection:
        connection.sendall(_SILENCE)
        for start in range(0, len(numbers), _PAGE):
            people = numbers[start : start + _PAGE]
            commands = (each for n in people for each in crowd.commands(n, sealer, summaries, now=now))
            connection.sendall(b"".join(map(_packed, commands)))
        connection.sendall(_SPEECH)
        if connection.recv(len(_SPOKEN), socket.MSG_WAITALL) != _SPOKEN:
            raise CannotMeasureError("Redis has not taken the sessions")
