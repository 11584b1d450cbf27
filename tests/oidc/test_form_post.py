from __future__ import annotations

import secrets

import pytest

from gateway.errors import Fault, RequestError
from gateway.oidc.authorization import Query
from gateway.oidc.form_post import open_form, seal_form
from gateway.secret import Secret
from gateway.sessions.seal import Purpose, Sealer
from tests.support.honest import CODE, ISSUER, NOW, STATE

BOX = Sealer([Secret("s" * 32)]).box(Purpose.POSTED_RESPONSE)
FORM = [("code", CODE), ("state", STATE), ("iss", ISSUER), ("code", "again é")]


def sealed(form: Query = FORM, *, host: str = "gw.test") -> tuple[str, str]:
    return seal_form(form, box=BOX, host=host, now=NOW, random=secrets.token_bytes)


def opened(query: Query, *, host: str = "gw.test", now: int = NOW) -> Query:
    return open_form(query, box=BOX, host=host, now=now)


def why_not(query: Query, *, host: str = "gw.test", now: int = NOW) -> object:
    with pytest.raises(RequestError) as refused:
        opened(query, host=host, now=now)
    assert refused.value.fault is Fault.RESPONSE_MALFORMED
    return refused.value.facts["why"]


def test_a_form_comes_back_as_it_was() -> None:
    assert opened([sealed()]) == FORM
    assert opened([sealed([])]) == []


def test_nothing_of_a_form_is_in_the_address() -> None:
    name, value = sealed()
    assert name == "posted"
    assert not any(secret in value for secret in (CODE, STATE))
    assert value.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("seconds", [-59, 0, 59])
def test_a_form_lives_for_a_minute_whichever_gateways_clock_is_ahead(seconds: int) -> None:
    assert opened([sealed()], now=NOW + seconds) == FORM


@pytest.mark.parametrize("seconds", [-60, 60, 3600])
def test_an_old_form_is_refused(seconds: int) -> None:
    assert why_not([sealed()], now=NOW + seconds) == "old form"


def test_a_form_opens_at_its_own_host_only() -> None:
    assert why_not([sealed()], host="other.test") == "no form"


@pytest.mark.parametrize(
    "query",
    [
        [],
        FORM,
        [("posted", "")],
        [("posted", "é")],
        [("posted", "!")],
        [("posted", "A" * 100)],
        [("posted", sealed()[1][:-4])],
        [("sealed", sealed()[1])],
        [sealed(), sealed()],
        [sealed(), ("state", STATE)],
    ],
    ids=range(10),
)
def test_what_was_not_posted_here_is_refused(query: Query) -> None:
    assert why_not(query) == "no form"


def test_a_form_is_as_long_as_an_address_may_be() -> None:
    room = 4_096 - len('[1800000000,["code",""]]')
    _, value = sealed([("code", "c" * room)])
    assert len(value) < 6_000
    with pytest.raises(RequestError) as refused:
        sealed([("code", "c" * (room + 1))])
    assert refused.value.facts == {"why": "too long"}
