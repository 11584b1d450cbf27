"""Request targets that two servers could read as two paths: refused, or decided as they are read behind."""

from __future__ import annotations

import pytest

from tests.support.flows import on_the_wire, target_of

ROUTES = """
[[apps.routes]]
path = "/admin/"
access = "deny"
[[apps.routes]]
path = "/public/"
access = "public"
"""
# What is asked for, and what a stranger and somebody signed in get. A 200 means that it went up as it is.
TARGETS = {
    "/admin": (403, 403),
    "/admin/": (403, 403),
    "/admin?/public/": (403, 403),
    "/private?x=/public/": (401, 200),
    "/private?x=/../public/": (401, 200),
    "/private?x=%2e%2e/public/": (401, 200),
    "/public/x?/admin/": (200, 200),
    "/%61dmin": (403, 403),
    "/%61dmin/x": (403, 403),
    "/admin%2fx": (400, 400),
    "/admin%3b/x": (400, 400),
    "/%2561dmin": (400, 400),
    "/ADMIN": (400, 400),
    "/Admin/x": (400, 400),
    "//admin": (400, 400),
    "/admin//": (403, 403),
    "///admin/x": (400, 400),
    "/admin;x=/public/": (400, 400),
    "/admin;/x": (400, 400),
    "/;/admin": (400, 400),
    "/./admin": (400, 400),
    "/x/../admin": (400, 400),
    "/x/%2e%2e/admin": (400, 400),
    "/x/%2E%2e/admin": (400, 400),
    "/x/.%2e/admin": (400, 400),
    "/x/..;/admin": (400, 400),
    "/x/..;a=b/admin": (400, 400),
    "/x/..%3b/admin": (400, 400),
    "/x/..%2fadmin": (400, 400),
    "/x%2f..%2fadmin": (400, 400),
    "/x/%252e%252e/admin": (400, 400),
    "/x/..%252fadmin": (400, 400),
    "/x/..%5cadmin": (400, 400),
    "/x%5c..%5cadmin": (400, 400),
    "/%5cadmin": (400, 400),
    "/x/..\\admin": (400, 400),
    "/\\admin": (400, 400),
    "\\admin": (400, 400),
    "/admin%00": (400, 400),
    "/admin%0a": (400, 400),
    "/admin%2500": (400, 400),
    "/admin%": (400, 400),
    "/admin%zz": (400, 400),
    "/%c0%afadmin": (400, 400),
    "/x/%c0%ae%c0%ae/admin": (400, 400),
    "/admin#/public/": (400, 400),
    "/public/#/../admin": (400, 400),
    "/admin%23/../public/": (400, 400),
    "/public/../private": (400, 400),
    "/public/%2e%2e/private": (400, 400),
    "/public/..%2fprivate": (400, 400),
    "/public%2f..%2fprivate": (400, 400),
    "/public/%252e%252e/private": (400, 400),
    "/public/..;/private": (400, 400),
    "/public/.": (400, 400),
    "/public/..": (400, 400),
    "/public%2fx": (400, 400),
    "/PUBLIC/": (400, 400),
    "//public/": (400, 400),
    "/public;/x": (400, 400),
    "/private/%2e%2e%2fpublic": (400, 400),
    "http://localhost/admin": (403, 403),
    "http://localhost/x/../admin": (400, 400),
    "http://evil.test/public/": (400, 400),
    "http://localhost@evil.test/public/": (400, 400),
    "http://evil.test@localhost/public/": (400, 400),
    "http://localhost:80/public/": (400, 400),
    "https://localhost/public/": (200, 200),
    "http:///public/": (400, 400),
    "http:/public/": (400, 400),
    "ftp://localhost/public/": (400, 400),
    "public/": (400, 400),
    "*": (400, 400),
    "/\xe9": (400, 400),
    "/public/\xe9": (400, 400),
}
METHODS = {
    "get": 400,
    "GeT": 400,
    "Post": 400,
    "TRACE": 405,
    "CONNECT": 400,
    "PRI": 400,
    "HEAD": 401,
    "OPTIONS": 401,
    "QUERY": 401,
    "PROPFIND": 401,
    "MKCOL": 401,
    "BREW": 400,
}


def spelled(target: str) -> str:
    return ascii(target)[1:-1]


@pytest.mark.parametrize(
    "target, anonymous, signed_in",
    [(target, *statuses) for target, statuses in TARGETS.items()],
    ids=map(spelled, TARGETS),
)
async def test_a_target_is_decided_as_it_is_read_behind_or_refused(
    target: str, anonymous: int, signed_in: int
) -> None:
    async with on_the_wire(routes=ROUTES) as wire:
        assert (await wire.ask("GET", target, host="localhost")).status == anonymous
        sent = target.partition("localhost")[2] if "://" in target else target
        goes_up = [sent.encode("latin-1")]
        assert list(map(target_of, wire.upstream.requests)) == goes_up * (anonymous == 200)
        await wire.sign_in()
        assert (await wire.ask("GET", target, wire.cookie, host="localhost")).status == signed_in
        assert list(map(target_of, wire.upstream.requests)) == goes_up * (signed_in == 200)


@pytest.mark.parametrize("method, status", METHODS.items(), ids=METHODS)
async def test_no_method_slips_past_the_decision(method: str, status: int) -> None:
    async with on_the_wire(routes=ROUTES) as wire:
        for target in ("/private", "http://localhost/private"):
            assert (await wire.ask(method, target, host="localhost")).status == status
        await wire.nothing_went_up()


@pytest.mark.parametrize("signed_in", [False, True], ids=["a stranger", "somebody"])
async def test_a_question_about_the_whole_server_is_decided_too(*, signed_in: bool) -> None:
    async with on_the_wire(routes=ROUTES) as wire:
        fields = []
        if signed_in:
            await wire.sign_in()
            fields.append(wire.cookie)
        answer = await wire.ask("OPTIONS", "*", *fields)
        assert answer.status == (200 if signed_in else 401)
        assert list(map(target_of, wire.upstream.requests)) == [b"*"] * signed_in
