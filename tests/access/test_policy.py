from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.access.paths import path_pattern
from gateway.access.policy import (
    Access,
    Allow,
    App,
    Decision,
    Deny,
    Route,
    SignInRequired,
    StepUpRequired,
    decide,
)
from gateway.access.readings import read_path
from gateway.access.requirements import Condition, Key, Reason, Requirement
from gateway.errors import Fault, RequestError
from gateway.secret import Secret
from gateway.sessions.session import ANONYMOUS, Session, SignedIn

ALICE = SignedIn(
    id="a1",
    host="app.example",
    provider="default",
    claims={"sub": "alice", "acr": "eidas1", "siret": "13002526500013"},
    id_token=Secret("-"),
    signed_in_at=0,
    last_seen=0,
)
ELSEWHERE = replace(ALICE, provider="other")


def route(path: str, access: Access, *, exact: bool = False, methods: set[str] | None = None) -> Route:
    kept = None if methods is None else frozenset(methods)
    return Route(place=path, path=path_pattern(path, exact=exact), access=access, methods=kept)


FALLBACK = Route(place="fallback", path=path_pattern("/"))
MFA = Condition.on(Key.ACR, ("eidas1-mfa", "eidas2"))
HERS = Condition.on(Key.SIRET, ("13002526500013",))
OTHERS = Condition.on(Key.SIRET, ("21340126800130",))
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
        route("/Dossiers/*/edit", Access.DENY),
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
    "require, session, decision",
    [
        (Requirement(every=(HERS,)), ALICE, Allow(Reason.SIGNED_IN, ALICE)),
        (Requirement(every=(OTHERS,)), ALICE, Deny(Reason.OTHER_ORGANISATION)),
        (Requirement(every=(OTHERS,)), ANONYMOUS, SignInRequired(Reason.NOT_SIGNED_IN)),
        (Requirement(every=(MFA,)), ANONYMOUS, SignInRequired(Reason.NOT_SIGNED_IN, MFA.values)),
        (Requirement(every=(MFA,)), ELSEWHERE, SignInRequired(Reason.OTHER_PROVIDER, MFA.values)),
        (Requirement(every=(MFA,)), ALICE, StepUpRequired(Reason.ACR_TOO_LOW, MFA.values, ALICE)),
        (Requirement(every=(MFA, HERS)), ALICE, StepUpRequired(Reason.ACR_TOO_LOW, MFA.values, ALICE)),
        (Requirement(every=(MFA, OTHERS)), ALICE, Deny(Reason.OTHER_ORGANISATION)),
    ],
)
def test_what_is_required_of_a_person_is_the_routes(
    require: Requirement, session: Session, decision: Decision
) -> None:
    asked = Route(place="r", path=path_pattern("/"), require=require)
    assert decide(APP, asked, session) == decision


def test_a_level_that_would_not_open_the_route_is_not_asked_for() -> None:
    hers_with_mfa, others_with_any = (MFA, HERS), (Condition.on(Key.ACR, ("eidas0",)), OTHERS)
    require = Requirement(alternatives=(hers_with_mfa, others_with_any))
    asked = Route(place="r", path=path_pattern("/"), require=require)
    assert decide(APP, asked, ALICE) == StepUpRequired(Reason.ACR_TOO_LOW, MFA.values, ALICE)


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
        ("/Dossiers/17/edit", "GET", "/Dossiers/*/edit"),
        ("/Dossiers/17/edit/", "GET", "/Dossiers/*/edit"),
        ("/Dossiers/17/view", "GET", "fallback"),
    ],
)
def test_the_first_route_that_matches_decides(raw: str, method: str, place: str) -> None:
    assert APP.route_for(read_path(raw), method).place == place


@pytest.mark.parametrize(
    "raw",
    [
        "/ADMIN/",
        "//admin",
        "/public%2fx",
        "/public/x;/../",
        "/x\\..",
        "/;x/admin/",
        "/%2561dmin",
        "/PUBLIC/",
        "/dossiers/17/edit",
        "/Dossiers/17/EDIT",
        "/Dossiers//17/edit",
        "/Dossiers/17%2Fedit",
        "/Dossiers/17/edit;x",
    ],
)
def test_a_target_that_two_servers_read_differently_is_refused(raw: str) -> None:
    with pytest.raises(RequestError) as refused:
        APP.route_for(read_path(raw), "GET")
    assert refused.value.fault is Fault.TARGET_AMBIGUOUS


def test_only_routes_that_tell_who_asks_want_a_session() -> None:
    assert {a for a in Access if route("/", a).wants_session} == {Access.OPTIONAL, Access.SIGNED_IN}


def test_head_goes_where_get_does_and_nowhere_else() -> None:
    assert route("/", Access.PUBLIC, methods={"GET"}).covers_method("HEAD")
    assert not route("/", Access.PUBLIC, methods={"POST"}).covers_method("HEAD")
    assert not route("/", Access.PUBLIC, methods={"GET"}).covers_method("get")


def test_a_rule_that_is_only_tried_refuses_nobody_and_asks_for_no_level() -> None:
    tried = replace(FALLBACK, require=Requirement(every=(OTHERS, MFA)), shadow=True)
    assert decide(APP, tried, ALICE) == Allow(Reason.SIGNED_IN, ALICE, shadowed=Reason.OTHER_ORGANISATION)
    assert tried.levels == ()
    assert replace(tried, shadow=False).levels == MFA.values
