"""The one decision and what each asker gets; whoever is not let through costs the application nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.proxy.heads import HeadsUpstream, LongConnection
from tests.support.flows import OK, Answered, Wire, fields_of, gateway_at_demo, on_the_wire, target_of
from tests.support.raw import connect

ROUTES = """
[[apps.routes]]
path = "/public/closed/"
access = "deny"
[[apps.routes]]
path = "/public/"
access = "public"
[[apps.routes]]
path = "/page"
exact = true
access = "public"
[[apps.routes]]
path = "/api/"
methods = ["GET"]
access = "public"
[[apps.routes]]
path = "/whoever/"
access = "optional"
"""
REDIRECT = 'sign_in = "redirect"'

UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
NAVIGATIONS = {
    "a page": ("GET", "Sec-Fetch-Mode: navigate", "Accept: text/html,*/*;q=0.8"),
    "its head": ("HEAD", "Sec-Fetch-Mode: navigate", "Accept: text/html,*/*;q=0.8"),
    "a page, by its mode alone": ("GET", "Sec-Fetch-Mode: navigate"),
    "an old browser": ("GET", "Accept: text/html,application/xhtml+xml"),
    "a cross-site link": ("GET", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site"),
}
PROGRAMS = {
    "fetch": ("GET", "Sec-Fetch-Mode: cors", "Accept: */*"),
    "fetch of a page": ("GET", "Sec-Fetch-Mode: cors", "Accept: text/html"),
    "XHR of an old browser": ("GET", "Accept: text/html", "X-Requested-With: XMLHttpRequest"),
    "API": ("GET", "Accept: application/json"),
    "image": ("GET", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Accept: image/avif,*/*"),
    "nothing said": ("GET",),
    "form by a script": ("POST", "Sec-Fetch-Mode: cors", "Accept: text/html", "Content-Length: 0"),
    "PUT": ("PUT", "Content-Length: 0"),
    "DELETE": ("DELETE",),
    "preflight": ("OPTIONS", "Origin: https://elsewhere.test", "Access-Control-Request-Method: PUT"),
    "an extension": ("PROPFIND", "Depth: 1"),
    "WebSocket": ("GET", "Sec-Fetch-Mode: websocket", *UPGRADE),
    "WebSocket that says it is a page": ("GET", "Accept: text/html", "X-Requested-With: x", *UPGRADE),
    "h2c": ("GET", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
}
PROMPTING = {"basic", "digest", "negotiate", "ntlm", "bearer"}


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with on_the_wire(routes=ROUTES) as ready:
        yield ready


def cases(table: dict[str, tuple[str, ...]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("method, fields", [(c[0], c[1:]) for c in table.values()], ids=table)


def check_challenge(answer: Answered) -> None:
    (challenge,) = answer.fields.getall("WWW-Authenticate")
    assert challenge.split()[0].lower() not in PROMPTING


@cases(NAVIGATIONS)
async def test_a_navigation_without_a_session_gets_the_sign_in_page(
    wire: Wire, method: str, fields: tuple[str, ...]
) -> None:
    answer = await wire.ask(method, "/private?a=1", *fields)
    assert (answer.status, answer.fields["Content-Type"]) == (401, "text/html; charset=utf-8")
    assert (b'href="/_gateway/sign-in?return_to=/private%3Fa%3D1"' in answer.body) is (method == "GET")
    assert not {"Location", "Set-Cookie", "Refresh"} & set(answer.fields)
    check_challenge(answer)
    await wire.nothing_went_up()


@cases(NAVIGATIONS)
async def test_a_navigation_without_a_session_is_redirected_to_the_provider_where_that_is_set(
    method: str, fields: tuple[str, ...]
) -> None:
    async with on_the_wire(app=REDIRECT) as wire:
        answer = await wire.ask(method, "/private?a=1", *fields)
        assert answer.status == 303
        assert answer.fields["Location"].startswith(f"{wire.provider.issuer}/authorize?")
        assert "private" not in answer.fields["Location"]
        assert answer.fields["Set-Cookie"].startswith("gateway-sign-in-")
        await wire.nothing_went_up()


@pytest.mark.parametrize("app", ["", REDIRECT], ids=["page", "redirect"])
@cases(PROGRAMS)
async def test_anything_else_without_a_session_gets_a_problem_and_no_redirect(
    app: str, method: str, fields: tuple[str, ...]
) -> None:
    async with on_the_wire(app=app) as wire:
        answer = await wire.ask(method, "/private", *fields)
        assert (answer.status, answer.fields["Content-Type"]) == (
            401,
            "application/problem+json; charset=utf-8",
        )
        problem = json.loads(answer.body)
        assert problem["sign_in_url"] == f"{wire.gateway.url}/_gateway/sign-in"
        assert (problem["type"], problem["status"]) == ("urn:proconnect-gateway:not-signed-in", 401)
        assert not {"Location", "Set-Cookie"} & set(answer.fields)
        check_challenge(answer)
        await wire.nothing_went_up()


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 100000000",),
        ("Content-Length: 100000000", "Expect: 100-continue"),
        ("Transfer-Encoding: chunked",),
        ("Transfer-Encoding: chunked", "Expect: 100-continue"),
    ],
    ids=["long", "long, on request", "chunked", "chunked, on request"],
)
@pytest.mark.parametrize("target", ["/private", "/public/closed/", "/_gateway/sign-out", "/_gateway/nothing"])
async def test_a_body_that_nobody_wants_is_neither_asked_for_nor_awaited(
    wire: Wire, target: str, fields: tuple[str, ...]
) -> None:
    async with await connect(wire.gateway.port) as browser:
        head = [f"POST {target} HTTP/1.1", f"Host: {wire.host}", "Origin: https://elsewhere.test", *fields]
        await browser.send("\r\n".join([*head, "", ""]).encode())
        answer = Answered.read(await browser.read_message())
        assert 400 <= answer.status < 500
        # What follows on this connection could be that body, and is never read as a request.
        assert answer.fields["Connection"] == "close"
        await browser.send(f"GET /public/ HTTP/1.1\r\nHost: {wire.host}\r\n\r\n".encode())
        browser.finish_sending()
        received = await browser.read()
        assert (received.data, received.closed) == (b"", True)
    await wire.nothing_went_up()


async def test_a_body_that_is_let_through_is_asked_for_once_the_application_wants_it() -> None:
    async def wants(connection: LongConnection) -> None:
        await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await connection.read_until(b"body") == b"body"
        await connection.send(OK)

    routes = '[[apps.routes]]\npath = "/"\naccess = "public"'
    async with (
        HeadsUpstream(wants) as upstream,
        gateway_at_demo(upstream.url, routes=routes) as (gateway, _),
        await connect(gateway.port) as browser,
    ):
        await browser.send(
            b"PUT / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        )
        assert await browser.read_message() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await browser.send(b"body")
        assert await browser.read_message() == OK


@pytest.mark.parametrize(
    "method, target, anonymous, signed_in",
    [
        ("GET", "/", 401, 200),
        ("GET", "/public", 200, 200),
        ("GET", "/public/", 200, 200),
        ("POST", "/public/x/y?z", 200, 200),
        ("GET", "/publicity", 401, 200),
        ("GET", "/x/public/", 401, 200),
        ("GET", "/x?/public/", 401, 200),
        ("GET", "/public/closed", 403, 403),
        ("GET", "/public/closed/x", 403, 403),
        ("DELETE", "/public/closed/x", 403, 403),
        ("GET", "/page", 200, 200),
        ("GET", "/page?x", 200, 200),
        ("GET", "/page/", 401, 200),
        ("GET", "/page/x", 401, 200),
        ("GET", "/api/x", 200, 200),
        ("HEAD", "/api/x", 200, 200),
        ("POST", "/api/x", 401, 200),
        ("OPTIONS", "/api/x", 401, 200),
        ("QUERY", "/api/x", 401, 200),
        ("GET", "/whoever/", 200, 200),
        ("POST", "/whoever/x", 200, 200),
    ],
)
async def test_the_first_route_that_matches_decides(
    wire: Wire, method: str, target: str, anonymous: int, signed_in: int
) -> None:
    assert (await wire.ask(method, target)).status == anonymous
    assert [target_of(request) for request in wire.upstream.requests] == [target.encode()] * (
        anonymous == 200
    )
    await wire.sign_in()
    assert (await wire.ask(method, target, wire.cookie)).status == signed_in
    assert [target_of(request) for request in wire.upstream.requests] == [target.encode()] * (
        signed_in == 200
    )


async def test_a_closed_route_refuses_with_a_page_or_a_problem_and_says_so_in_the_audit(wire: Wire) -> None:
    page = await wire.ask("GET", "/public/closed/%C3%A9?q=secret", "Sec-Fetch-Mode: navigate")
    problem = await wire.ask("POST", "/public/closed/x", "Content-Length: 0")
    assert [answer.status for answer in (page, problem)] == [403, 403]
    assert page.fields["Content-Type"] == "text/html; charset=utf-8"
    assert problem.fields["Content-Type"] == "application/problem+json; charset=utf-8"
    said = json.loads(problem.body)
    assert said["type"] == "urn:proconnect-gateway:route-denied"
    first, second = wire.gateway.audited()
    assert (first["event"], first["reason"], first["method"], first["path"]) == (
        "access-refused",
        "route-denied",
        "GET",
        "/public/closed/é",
    )
    assert (first["app"], first["client"], first["route"]) == ("app", "127.0.0.1", "apps[0].routes[1]")
    assert (second["method"], second["request_id"]) == ("POST", said["request_id"])
    assert first["request_id"].encode() in page.body
    await wire.nothing_went_up()


async def test_the_log_has_one_line_for_each_request_with_its_decision(wire: Wire) -> None:
    await wire.ask("GET", "/private?q=secret")
    await wire.ask("GET", "/public/")
    lines = [line for line in wire.gateway.lines if line["event"] == "request"]
    assert [(line["path"], line["status"], line["decision"], line["app"]) for line in lines] == [
        ("/private", 401, "not-signed-in", "app"),
        ("/public/", 200, "public", "app"),
    ]
    (request,) = wire.upstream.requests
    assert dict(fields_of(request))["X-Request-Id"] == lines[1]["request_id"]
