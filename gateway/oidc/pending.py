"""One sign-in attempt, sealed in its own short-lived cookie: nothing is stored before somebody has signed in.

Each attempt has a cookie named after its `state`, so that two tabs never race. Whether a `state` was used
before is for whoever keeps records.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gateway.secret import Secret
from gateway.sessions.return_to import HOME, ReturnTo, parse_return_to
from gateway.sessions.seal import Box

ATTEMPT_LIFETIME: Final = 3600
"""Seconds; as long as ProConnect keeps its side of an attempt."""

ATTEMPT_REMEMBERED: Final = 8 * 3600
"""Seconds for which a browser keeps an attempt: an answer that comes too late is still known for its own."""

_NAME: Final = "gateway-sign-in-"
_MOST_ATTEMPTS: Final = 5
_MOST_OCTETS: Final = 3500  # of the Cookie field, all attempts together
_LONGEST_VALUE: Final = 3400  # a browser keeps 4096 octets of a cookie, its name and attributes among them
_MOST_DROPPED: Final = 10  # in one answer: front servers bound its fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What the gateway must remember of an authorization request until its response comes.

    Args:
        state: binds the response to this browser (RFC 6749 section 10.12).
        nonce: binds the ID token to this attempt (OpenID Connect Core 1.0 section 3.1.2.1).
        code_verifier: proves that the code is redeemed by who asked for it (RFC 7636).
        return_to: the page first asked for.
        provider: the settings' name of the provider that was asked.
        host: the host the attempt was begun at.
        redirect_uri: as it was sent; the token request repeats it.
        started_at: Unix seconds.
        acr: the assurance levels asked for as essential; empty when none was.
        hints: further parameters of the request, which only suggest.
        form: the form that was kept until the person has signed in; empty for none.
        turn: how often this sign-in was begun anew without the person's asking.
        silent: whether only somebody who is signed in at the provider already is wanted.
    """

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: Secret
    return_to: ReturnTo
    provider: str
    host: str
    redirect_uri: str
    started_at: int
    acr: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict, hash=False)
    form: str = ""
    turn: int = 0
    silent: bool = False


def new_pending(
    *,
    return_to: ReturnTo,
    provider: str,
    host: str,
    redirect_uri: str,
    now: int,
    token: Callable[[], str],
    acr: tuple[str, ...] = (),
    hints: Mapping[str, str] | None = None,
    form: str = "",
    turn: int = 0,
    silent: bool = False,
) -> Pending:
    """Begin an attempt.

    Args:
        return_to: the page first asked for.
        provider: the settings' name of the provider.
        host: the host that the browser is at.
        redirect_uri: as registered.
        now: Unix seconds.
        token: draws 32 octets as 43 characters of base64url, thrice: `state`, nonce and verifier.
        acr: assurance levels to ask for as essential.
        hints: what to suggest, by the parameter's name.
        form: as in `Pending`.
        turn: as in `Pending`.
        silent: as in `Pending`.
    """
    return Pending(
        state=token(),
        nonce=token(),
        code_verifier=Secret(token()),
        return_to=return_to,
        provider=provider,
        host=host,
        redirect_uri=redirect_uri,
        started_at=now,
        acr=acr,
        hints=dict(hints or {}),
        form=form,
        turn=turn,
        silent=silent,
    )


def attempt_cookie_name(state: str, *, secure: bool) -> str:
    """The name of an attempt's cookie; on https a prefix that no other host can set (RFC 6265bis 4.1.3.2)."""
    return f"{'__Host-' if secure else ''}{_NAME}{hashlib.sha256(state.encode()).hexdigest()[:8]}"


def seal_pending(pending: Pending, *, box: Box, cookie_name: str, random: Callable[[int], bytes]) -> str:
    """The value of the attempt's cookie: at most 3400 characters, at the price of a very long return target.

    Args:
        pending: the attempt.
        box: seals it.
        cookie_name: where the value opens, and nowhere else.
        random: draws octets.
    """
    sealed = box.seal(_to_stored(pending), bound_to=cookie_name.encode(), random=random)
    value = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    if len(value) > _LONGEST_VALUE and pending.return_to != HOME:
        return seal_pending(replace(pending, return_to=HOME), box=box, cookie_name=cookie_name, random=random)
    return value


def open_pending(
    value: str,
    *,
    box: Box,
    cookie_name: str,
    now: int,
    lifetime: int = ATTEMPT_LIFETIME,
    own_prefix: str = "/_gateway/",
) -> Pending | None:
    """The attempt in a cookie; None when it does not open, has another shape, or began too long ago.

    Args:
        value: the cookie's.
        box: opens it.
        cookie_name: the cookie's.
        now: Unix seconds.
        lifetime: seconds for which it counts.
        own_prefix: what the gateway's own paths begin with.
    """
    pending = _open(value, box=box, cookie_name=cookie_name, own_prefix=own_prefix)
    return pending if pending is not None and now < pending.started_at + lifetime else None


def attempts_to_drop(cookies: Mapping[str, str], *, adding: str, size: int, box: Box) -> list[str]:
    """Which cookies of earlier attempts must go for one more: five fit, in 3500 octets; the oldest go.

    Of those begun in the same second, the one sent first is older (RFC 6265 section 5.4). Those that do not
    open go too. At most ten go at once; the next answer goes on.

    Args:
        cookies: every cookie of the request.
        adding: the name of the new attempt's cookie.
        size: the length of its value.
        box: opens the others.
    """
    pattern = re.compile(re.escape(adding[:-8]) + "[0-9a-f]{8}")
    earlier = {name: value for name, value in cookies.items() if pattern.fullmatch(name) and name != adding}
    started = {
        name: pending.started_at if (pending := _open(value, box=box, cookie_name=name)) else -1
        for name, value in earlier.items()
    }
    oldest_first = sorted(started, key=lambda name: started[name])
    kept, octets, dropped = 1, _cost(adding, size), []
    for name in reversed(oldest_first):
        octets += _cost(name, len(earlier[name]))
        if started[name] < 0 or kept == _MOST_ATTEMPTS or octets > _MOST_OCTETS:
            dropped.append(name)
        else:
            kept += 1
    return dropped[-_MOST_DROPPED:]


def _cost(name: str, size: int) -> int:
    return len(name) + len("=") + size + len("; ")


def _to_stored(pending: Pending) -> bytes:
    stored = {
        "state": pending.state,
        "nonce": pending.nonce,
        "verifier": pending.code_verifier.reveal(),
        "return_to": pending.return_to.target,
        "provider": pending.provider,
        "host": pending.host,
        "redirect_uri": pending.redirect_uri,
        "started_at": pending.started_at,
        "acr": pending.acr,
        "hints": dict(pending.hints),
        "form": pending.form,
        "turn": pending.turn,
        "silent": pending.silent,
    }
    return json.dumps(stored, separators=(",", ":")).encode()


def _open(value: str, *, box: Box, cookie_name: str, own_prefix: str = "/_gateway/") -> Pending | None:
    try:
        sealed = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    plain = box.open(sealed, bound_to=cookie_name.encode())
    return None if plain is None else _from_stored(json.loads(plain), own_prefix)


def _from_stored(stored: Any, own_prefix: str) -> Pending | None:  # noqa: ANN401 - whatever JSON held
    match stored:
        case {
            "state": str(state),
            "nonce": str(nonce),
            "verifier": str(verifier),
            "return_to": str(target),
            "provider": str(provider),
            "host": str(host),
            "redirect_uri": str(redirect_uri),
            "started_at": int(started_at),
            "acr": list(acr),
            "hints": dict(hints),
            "form": str(form),
            "turn": int(turn),
            "silent": bool(silent),
        }:
            return Pending(
                state=state,
                nonce=nonce,
                code_verifier=Secret(verifier),
                return_to=parse_return_to(target, own_prefix=own_prefix),
                provider=provider,
                host=host,
                redirect_uri=redirect_uri,
                started_at=started_at,
                acr=tuple(acr),
                hints=hints,
                form=form,
                turn=turn,
                silent=silent,
            )
        case _:  # sealed by a gateway of another version
            return None
