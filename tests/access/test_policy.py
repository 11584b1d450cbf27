from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.access.policy import (
    Access,
    Allow,
    App,
    Decision,
    Deny,
    Policy,
    Reason,
    Route,
    SignInRequired,
    decide,
)
from gateway.access.readings import read_path
from gateway.errors import Fault, MisdirectedError, RequestError
from gateway.secret import Secret
from gateway.sessions.session import ANONYMOUS, Session, SignedIn

ALICE = SignedIn(
    id="a1",
    host="app.example",
    provider="default",
    claims={"sub": "alice"},
    id_token=Secret("-"),
    signed_in_at=0,
    last_seen=0,
)
ELSEWHERE = replace(ALICE, provider="other")


def route(path: str, access: Access, *, exact: bool = False, methods: set[str] | None = None) -> Route:
    kept = None if methods is None else frozenset(methods)
    return Route(place=path, path=path, access=access, exact=exact, methods=kept)


FALLBACK = Route(place="fallback", path="/")
APP = App(
    name="app",
    host="app.example",
    provider="default",
    routes=(
        route("/public/", Access.PUBLIC),
        route("/news", Access.OPTIONAL, exact=True),
        route("/api/", Access.PUBLIC, methods={"GET"}),
        route("/admin/", Access.DENY),
        route("/démarches/", Access.PUBLIC),
    ),
    fallback=FALLBACK,
)


@pytest.mark.parametrize(
    "access, session, decision",
    [
        (Access.PUBLIC, ANONYMOUS, Allow(Reason.PUBLIC, ANONYMOUS)),
        (Access.PUBLIC, ALICE, Allow(Reason.PUBLIC, ANONYMOUS)),
        (Access.OPTIONAL, ANONYMOUS, Allow(Reason.OPTIONAL, ANONYMOUS)),
        (Access.OPTIONAL, ALICE, Allow(Reason.OPTIONAL, ALICE)),
        (Access.OPTIONAL, ELSEWHERE, Allow(Reason.OPTIONAL, ANONYMOUS)),
        (Access.SIGNED_IN, ALICE, Allow(Reason.SIGNED_IN, ALICE)),
        (Access.SIGNED_IN, ANONYMOUS, SignInRequired(Reason.NOT_SIGNED_IN)),
        (Access.SIGNED_IN, ELSEWHERE, SignInRequired(Reason.OTHER_PROVIDER)),
        (Access.DENY, ANONYMOUS, Deny(Reason.ROUTE_DENIED)),
        (Access.DENY, ALICE, Deny(Reason.ROUTE_DENIED)),
    ],
)
def test_the_decision_is_the_routes_and_the_sessions(
    access: Access, session: Session, decision: Decision
) -> None:
    assert decide(APP, route("/", access), session) == decision


@pytest.mark.parametrize(
    "raw, method, place",
    [
        ("/public/x", "GET", "/public/"),
        ("/public", "GET", "/public/"),
        ("/publication", "GET", "fallback"),
        ("/news", "POST", "/news"),
        ("/news/x", "GET", "fallback"),
        ("/api/x", "GET", "/api/"),
        ("/api/x", "HEAD", "/api/"),
        ("/api/x", "POST", "fallback"),
        ("/api/x", "get", "fallback"),
        ("/api/x", "QUERY", "fallback"),
        ("/%61dmin/x", "GET", "/admin/"),
        ("/admin", "TRACE", "/admin/"),
        ("/d%C3%A9marches/", "GET", "/démarches/"),
        ("/", "GET", "fallback"),
        ("/other//x;y=1", "GET", "fallback"),
    ],
)
def test_the_first_route_that_matches_decides(raw: str, method: str, place: str) -> None:
    assert APP.route_for(read_path(raw), method).place == place


@pytest.mark.parametrize(
    "raw",
    ["/ADMIN/", "//admin", "/public%2fx", "/public/x;/../", "/x\\..", "/;x/admin/", "/%2561dmin", "/PUBLIC/"],
)
def test_a_target_that_two_servers_read_differently_is_refused(raw: str) -> None:
    with pytest.raises(RequestError) as refused:
        APP.route_for(read_path(raw), "GET")
    assert refused.value.fault is Fault.TARGET_AMBIGUOUS


def test_an_unknown_host_has_no_app() -> None:
    policy = Policy({"app.example": APP})
    assert policy.app_for("app.example") is APP
    for host in ("", "app.example.", "evil.app.example", "app.example.evil"):
        with pytest.raises(MisdirectedError):
            policy.app_for(host)


def test_only_routes_that_tell_who_asks_want_a_session() -> None:
    assert {a for a in Access if route("/", a).wants_session} == {Access.OPTIONAL, Access.SIGNED_IN}
