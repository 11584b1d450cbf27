from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from itertools import count

import pytest

from gateway.oidc.pending import (
    ATTEMPT_LIFETIME,
    Pending,
    attempt_cookie_name,
    attempts_to_drop,
    new_pending,
    open_pending,
    seal_pending,
)
from gateway.secret import Secret
from gateway.sessions.return_to import HOME, parse_return_to
from gateway.sessions.seal import Box, Purpose, Sealer
from tests.support.honest import NOW, STATE, pending

BOX = Sealer([Secret("k" * 32)]).box(Purpose.SIGN_IN_ATTEMPT)
NAME = attempt_cookie_name(STATE, secure=True)
NONCES = count()


def random(size: int) -> bytes:
    return next(NONCES).to_bytes(size)


def seal(attempt: Pending, *, name: str = NAME, box: Box = BOX) -> str:
    return seal_pending(attempt, box=box, cookie_name=name, random=random)


def reopen(value: str, *, name: str = NAME, box: Box = BOX, now: int = NOW) -> Pending | None:
    return open_pending(value, box=box, cookie_name=name, now=now)


def test_an_attempt_draws_state_nonce_and_verifier_apart() -> None:
    attempt = new_pending(
        return_to=HOME,
        provider="default",
        host="gw.test",
        redirect_uri="https://gw.test/_gateway/callback",
        now=1_000,
        token=iter(["state", "nonce", "verifier"]).__next__,
        hints={"login_hint": "a@b.fr"},
    )
    assert attempt.hints == {"login_hint": "a@b.fr"}
    assert (attempt.state, attempt.nonce) == ("state", "nonce")
    assert attempt.code_verifier == Secret("verifier")
    assert (attempt.started_at, attempt.acr) == (1_000, ())


def test_an_attempt_does_not_show_what_is_secret_in_it() -> None:
    shown = repr(pending())
    assert not any(secret in shown for secret in ("sss", "nnn", "vvv"))


def test_a_sealed_attempt_opens_as_it_was() -> None:
    attempt = pending(acr=("eidas2", "eidas3"), hints={"login_hint": "a@b.fr"})
    assert reopen(seal(attempt)) == attempt


def test_a_sealed_attempt_shows_nothing_and_fits_a_cookie() -> None:
    value = seal(pending())
    assert set(value) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(value) < 700


@pytest.mark.parametrize("secure, prefix", [(True, "__Host-gateway-sign-in-"), (False, "gateway-sign-in-")])
def test_the_cookie_is_named_after_the_state(prefix: str, *, secure: bool) -> None:
    name = attempt_cookie_name(STATE, secure=secure)
    assert name.startswith(prefix)
    assert len(name) == len(prefix) + 8
    assert name == attempt_cookie_name(STATE, secure=secure)
    assert name != attempt_cookie_name(STATE[:-1] + "t", secure=secure)
    assert STATE not in name


def test_an_attempt_opens_under_its_own_name_only() -> None:
    assert reopen(seal(pending()), name=attempt_cookie_name("other", secure=True)) is None


def test_an_attempt_opens_with_its_own_secret_only() -> None:
    assert reopen(seal(pending()), box=Sealer([Secret("x" * 32)]).box(Purpose.SIGN_IN_ATTEMPT)) is None


@pytest.mark.parametrize("value", ["", "A", "====", "é", "a b", "AAAA", "A" * 4000, "../..", "\ud800"])
def test_what_was_never_sealed_does_not_open(value: str) -> None:
    assert reopen(value) is None


def test_a_changed_attempt_does_not_open() -> None:
    value = seal(pending())
    for place in range(0, len(value), 7):
        changed = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
        assert reopen(changed) is None


@pytest.mark.parametrize("stored", [{}, [], {"state": "s"}, {"state": 1}])
def test_an_attempt_of_another_shape_is_nobodys(stored: object) -> None:
    sealed = BOX.seal(json.dumps(stored).encode(), bound_to=NAME.encode(), random=random)
    assert reopen(urlsafe_b64encode(sealed).decode()) is None


@pytest.mark.parametrize(
    "age, opens", [(0, True), (ATTEMPT_LIFETIME - 1, True), (ATTEMPT_LIFETIME, False), (-60, True)]
)
def test_an_attempt_lives_an_hour(age: int, *, opens: bool) -> None:
    value = seal(pending(started_at=NOW))
    assert (reopen(value, now=NOW + age) is not None) is opens


def test_a_return_target_is_parsed_again() -> None:
    value = seal(pending(return_to=parse_return_to("/auth/sign-out", own_prefix="/_gateway/")))
    opened = open_pending(value, box=BOX, cookie_name=NAME, now=NOW, own_prefix="/auth/")
    assert opened is not None
    assert opened.return_to == HOME


def test_the_longest_return_target_fits() -> None:
    attempt = pending(return_to=parse_return_to("/" + "x" * 2047))
    value = seal(attempt)
    assert len(value) <= 3400
    assert reopen(value) == attempt


def test_a_return_target_gives_way_to_what_the_protocol_needs() -> None:
    long = "https://gw.test/" + "x" * 400
    value = seal(pending(return_to=parse_return_to("/" + "x" * 2047), redirect_uri=long))
    opened = reopen(value)
    assert len(value) <= 3400
    assert opened is not None
    assert (opened.return_to, opened.redirect_uri) == (HOME, long)


def test_an_attempt_that_is_too_long_without_any_target_is_sealed_all_the_same() -> None:
    attempt = pending(return_to=HOME, redirect_uri="https://gw.test/" + "x" * 4000)
    assert reopen(seal(attempt)) == attempt


def earlier(number: int, *, target: str = "/", apart: int = 60) -> dict[str, str]:
    """Cookies of attempts, each begun some seconds after the one before, in the order browsers send them."""
    cookies = {}
    for turn in range(number):
        state = secrets.token_urlsafe(32)
        name = attempt_cookie_name(state, secure=True)
        started = NOW + apart * turn
        cookies[name] = seal(
            pending(state=state, started_at=started, return_to=parse_return_to(target)), name=name
        )
    return cookies


def dropped(cookies: dict[str, str], *, size: int = 600) -> list[str]:
    return attempts_to_drop(cookies, adding=NAME, size=size, box=BOX)


@pytest.mark.parametrize("apart", [60, 0])
@pytest.mark.parametrize("number, gone", [(0, 0), (1, 0), (4, 0), (5, 1), (6, 2), (8, 4)])
def test_five_attempts_are_kept_and_the_oldest_go(number: int, gone: int, apart: int) -> None:
    cookies = earlier(number, apart=apart)
    assert set(dropped(cookies)) == set(list(cookies)[:gone])


def test_long_attempts_are_kept_while_all_fit_the_cookie_field() -> None:
    cookies = earlier(4, target="/" + "x" * 700)
    kept = [name for name in cookies if name not in dropped(cookies)]
    field = "; ".join([f"{NAME}={'x' * 600}", *(f"{name}={cookies[name]}" for name in kept)])
    assert kept == list(cookies)[-len(kept) :]
    assert len(field) <= 3500 < len(field) + len(cookies[kept[0]])


def test_an_attempt_that_does_not_open_goes_first() -> None:
    cookies = {attempt_cookie_name("forged", secure=True): "forged", **earlier(4)}
    assert dropped(cookies) == [attempt_cookie_name("forged", secure=True)]


def test_an_attempt_that_does_not_open_goes_although_there_is_room() -> None:
    forged = attempt_cookie_name("forged", secure=True)
    assert dropped({forged: "forged", **earlier(1)}) == [forged]


def test_other_cookies_and_the_new_one_are_left_alone() -> None:
    others = {
        NAME: "the new one, begun twice",
        "session": "x",
        "__Host-gateway": "x",
        "__Host-gateway-sign-in-xyz": "x",
        "gateway-sign-in-0123abcd": "x",
        "x__Host-gateway-sign-in-0123abcd": "x",
        "__Host-gateway-sign-in-0123abcd0": "x",
    }
    assert dropped(others) == []


def test_a_flood_of_attempts_goes_in_portions() -> None:
    cookies = {f"__Host-gateway-sign-in-{number:08x}": "flood" for number in range(100)}
    assert len(dropped(cookies)) == 10
