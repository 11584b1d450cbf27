"""What crosses the gateway, field by field, in each direction, and what never does.

Everything that must go is taken out of the browser's fields before anything of ours is added, so that no
field of a request can remove one of ours. How a message is framed is the work of `framing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, TypeAlias

from gateway.proxy.forwarded import USUALLY, Telling, told
from gateway.proxy.names import (
    HOP_BY_HOP,
    TOLD_BY_THE_GATEWAY,
    TOLD_BY_THE_GATEWAY_PREFIX,
    ByName,
    folded,
)

RawFields: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Names and values as they came off the wire, in order."""

UNNAMEABLE: Final = frozenset({b"host", b"content-length"})
"""Fields that `Connection` cannot remove: without them the message would be another one."""

NAMES_NOTHING: Final = frozenset(
    {b"keep-alive", b"Keep-Alive", b"close", b"Close", b"Upgrade", b"upgrade", b"keep-alive, Upgrade"}
)
"""The usual values of `Connection`, which name no field to remove."""


class Fate(Enum):
    """What becomes of a field, by its name."""

    KEEP = auto()
    DROP = auto()
    CONNECTION = auto()
    HOST = auto()
    COOKIE = auto()
    SET_COOKIE = auto()
    CACHE_CONTROL = auto()
    SIGN_OUT = auto()


# Looked up in its class, a member costs more than all else in the loops below.
_KEEP, _DROP, _CONNECTION = Fate.KEEP, Fate.DROP, Fate.CONNECTION
_HOST, _COOKIE, _SET_COOKIE, _CACHE_CONTROL = Fate.HOST, Fate.COOKIE, Fate.SET_COOKIE, Fate.CACHE_CONTROL
_SIGN_OUT = Fate.SIGN_OUT


@dataclass(frozen=True, slots=True)
class Reserved:
    """Names that never cross from a browser to an upstream, in whatever spelling.

    Args:
        names: whole names.
        prefixes: beginnings of names.
    """

    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    fates: ByName[Fate] = field(init=False, repr=False, compare=False)
    """What becomes of a browser's field, by its name."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(map(folded, self.names)))
        object.__setattr__(self, "prefixes", tuple(map(folded, self.prefixes)))
        object.__setattr__(self, "fates", ByName(self._fate))

    def holds(self, name: bytes | str) -> bool:
        """Tell whether a browser's field of this name is dropped as reserved."""
        read_as = folded(name)
        return read_as in self.names or read_as.startswith(self.prefixes)

    def _fate(self, name: bytes) -> Fate:
        exactly = _EXACTLY.get(name.lower())
        if exactly is not None:
            return exactly
        read_as = folded(name)
        if (
            read_as in HOP_BY_HOP
            or read_as in TOLD_BY_THE_GATEWAY
            or read_as.startswith(TOLD_BY_THE_GATEWAY_PREFIX)
            or read_as == "content-length"  # misspelled: a second length for whoever folds names
            or self.holds(name)
        ):
            return Fate.DROP
        return Fate.KEEP


_EXACTLY: Final = {
    b"connection": Fate.CONNECTION,
    b"content-length": Fate.KEEP,
    b"cookie": Fate.COOKIE,
    b"host": Fate.HOST,
}


@dataclass(frozen=True, slots=True)
class OwnCookies:
    """Names of the gateway's own cookies: they never go up, and no upstream can set one.

    Args:
        names: whole names.
        prefixes: beginnings of names.
    """

    names: frozenset[bytes] = frozenset()
    prefixes: tuple[bytes, ...] = ()
    _beginnings: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_beginnings", (*self.names, *self.prefixes))

    def own(self, pair: bytes) -> bool:
        """Tell whether a `name=value` pair is one of the gateway's cookies."""
        name = pair.partition(b"=")[0].strip(b" \t")
        return name in self.names or name.startswith(self.prefixes)

    def removed_from(self, cookie: bytes) -> bytes:
        """The value of a `Cookie` field without the gateway's own; the others byte for byte and in order."""
        pairs = cookie.split(b";")
        beginnings = self._beginnings
        others = [
            pair for pair in pairs if not (pair.lstrip(b" \t").startswith(beginnings) and self.own(pair))
        ]
        if len(others) == len(pairs):
            return cookie
        return b";".join(others).strip(b" \t")

    def set_by(self, set_cookie: bytes) -> bool:
        """Tell whether a `Set-Cookie` value would set one of the gateway's cookies.

        A cookie without a name comes back from the browser as its bare value, which may look like a name.
        """
        return self.own(set_cookie.partition(b";")[0].lstrip(b"= \t"))


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What the gateway tells an upstream about the browser's side.

    Args:
        client: the browser's address, as far as trusted proxies tell it.
        proto: `https` or `http`, as the browser used it.
        host: the host and port that the browser asked for.
        telling: how it is told.
        old: whether the browser's message is HTTP/1.0.
    """

    client: str
    proto: str
    host: str
    telling: Telling = USUALLY
    old: bool = False


def request_fields(
    raw: RawFields,
    *,
    forwarded: Forwarded,
    identity: RawFields,
    reserved: Reserved,
    own_cookies: OwnCookies,
    request_id: str,
    host: bytes | None = None,
) -> list[tuple[bytes, bytes]]:
    """The fields of a request as the upstream gets them, without those that frame it.

    Args:
        raw: the browser's fields.
        forwarded: what to tell of the browser.
        identity: the person's fields, and those that every request gets; each name once.
        reserved: names that do not cross, whoever asks.
        own_cookies: the gateway's cookies.
        request_id: the id this request has in the gateway's log.
        host: what `Host` becomes; None keeps the browser's.
    """
    fates = reserved.fates
    fields: list[tuple[bytes, bytes]] = [] if host is None else [(b"Host", host)]
    named: set[bytes] = set()
    for pair in raw:
        fate = fates[pair[0]]
        if fate is _KEEP:
            fields.append(pair)
        elif fate is _COOKIE:
            cookie = own_cookies.removed_from(pair[1])
            if cookie:
                fields.append((pair[0], cookie))
        elif fate is _HOST and host is None:
            fields.append(pair)
        elif fate is _CONNECTION and pair[1] not in NAMES_NOTHING:
            named |= _named(pair[1])
    if named:
        fields = [pair for pair in fields if pair[0].lower() not in named]
    for name, _ in identity:
        # Names that the settings' table did not foresee must still be nobody's but ours.
        if fates[name] is not _DROP:
            fields = [pair for pair in fields if folded(pair[0]) != folded(name)]
    fields += told(forwarded.client, forwarded.proto, forwarded.host, forwarded.telling, old=forwarded.old)
    fields.append((b"X-Request-Id", request_id.encode()))
    fields += identity
    return fields


def response_fields(raw: RawFields, *, own_cookies: OwnCookies, private: bool) -> list[tuple[bytes, bytes]]:
    """The fields of an answer as the browser gets them, without those that frame it on this connection.

    Args:
        raw: the upstream's fields.
        own_cookies: the gateway's cookies, which no upstream may set.
        private: whether the answer was made for a signed-in person. Then, unless the upstream said how it may
            be cached, a shared cache is told not to hand it to another (RFC 9111 section 5.2.2.7).
    """
    fields: list[tuple[bytes, bytes]] = []
    named: set[bytes] = set()
    for pair in raw:
        fate = _ANSWER_FATES[pair[0]]
        if fate is _KEEP:
            fields.append(pair)
        elif fate is _SET_COOKIE:
            if not own_cookies.set_by(pair[1]):
                fields.append(pair)
        elif fate is _CACHE_CONTROL:
            private = False
            fields.append(pair)
        elif fate is _CONNECTION and pair[1] not in NAMES_NOTHING:
            named |= _named(pair[1])
    if named:
        fields = [pair for pair in fields if pair[0].lower() not in named]
    if private:
        fields += ((b"Cache-Control", b"private"), (b"Vary", b"Cookie"))
    return fields


def signs_out(raw: RawFields) -> bool:
    """Tell whether an application says in its answer that its person leaves: `X-Gateway-Sign-Out`.

    What it is worth does not matter. No browser gets the field.
    """
    return any(_ANSWER_FATES[name] is _SIGN_OUT for name, _ in raw)


_OF_ANSWERS: Final = {
    **dict.fromkeys(HOP_BY_HOP, Fate.DROP),
    "cache-control": Fate.CACHE_CONTROL,
    "connection": Fate.CONNECTION,
    "set-cookie": Fate.SET_COOKIE,
    "x-gateway-sign-out": Fate.SIGN_OUT,
}
_ANSWER_FATES: Final = ByName(lambda name: _OF_ANSWERS.get(name.lower().decode("latin-1"), Fate.KEEP))


def _named(connection: bytes) -> set[bytes]:
    """The fields that a `Connection` value removes (RFC 9110 section 7.6.1)."""
    return {option.strip(b" \t").lower() for option in connection.split(b",")} - UNNAMEABLE
