"""What the gateway answers itself: on its own paths in any spelling, to hosts that no app has."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.flows import Answered, Wire, on_the_wire
from tests.support.raw import exchange

ROUTES = """
[[apps.routes]]
path = "/closed/"
access = "deny"
[[apps.routes]]
path = "/public/"
access = "public"
"""
ALL_PUBLIC = '[[apps.routes]]\npath = "/"\naccess = "public"'
PAGE = "Sec-Fetch-Mode: navigate"

OWN_FIELDS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with on_the_wire(routes=ROUTES) as ready:
        yield ready


@pytest.mark.parametrize("mode", [PAGE, "Sec-Fetch-Mode: cors"], ids=["page", "program"])
@pytest.mark.parametrize(
    "method, target, status",
    [
        ("GET", "/private", 401),
        ("GET", "/closed/", 403),
        ("GET", "/private/../public/", 400),
        ("GET", "/_gateway/nothing", 404),
        ("DELETE", "/_gateway/sign-out", 405),
        ("GET", "/_gateway/sign-in?return_to=/private", 303),
        ("GET", "/_gateway/callback", 400),
        ("GET", "/_gateway/callback?code=x&state=y", 400),
        ("POST", "/_gateway/sign-out", 303),
        ("GET", "/_gateway/signed-out", 200),
        ("GET", "/_gateway/whoami", 401),
    ],
)
async def test_no_answer_of_the_gateways_own_is_kept_framed_or_sniffed(
    wire: Wire, method: str, target: str, status: int, mode: str
) -> None:
    answer = await wire.ask(method, target, mode)
    assert answer.status == status
    assert ("WWW-Authenticate" in answer.fields) is (status == 401)
    check_own(answer)


@pytest.mark.parametrize("mode", [PAGE, "Sec-Fetch-Mode: cors"], ids=["page", "program"])
async def test_an_application_that_is_away_is_an_answer_of_the_gateways_own(mode: str) -> None:
    async with on_the_wire(b"not HTTP at all\r\n\r\n", routes=ALL_PUBLIC) as wire:
        answer = await wire.ask("GET", "/", mode)
        assert answer.status == 502
        check_own(answer)


def check_own(answer: Answered) -> None:
    assert {name: answer.fields.getall(name, []) for name in OWN_FIELDS} == {
        name: [value] for name, value in OWN_FIELDS.items()
    }
    (policy,) = answer.fields.getall("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "host",
    ["evil.test", "app.localhost", "localhost.", "localhost.evil.test", "xlocalhost", "127.0.0.1", "[::1]"],
)
async def test_a_host_that_no_app_has_is_misdirected(wire: Wire, host: str) -> None:
    for target in ("/public/", "/private", "/_gateway/sign-in", "/_gateway/whoami"):
        answer = await wire.ask("GET", target, PAGE, host=host)
        assert answer.status == 421
        assert "Set-Cookie" not in answer.fields
        check_own(answer)
    await wire.nothing_went_up()


@pytest.mark.parametrize(
    "host", ["localhost@evil.test", "localhost/", "localhost:x", "a b", "localhost,evil", "é"]
)
async def test_a_host_that_is_none_is_refused(wire: Wire, host: str) -> None:
    assert (await wire.ask("GET", "/public/", host=host)).status == 400
    await wire.nothing_went_up()


@pytest.mark.parametrize(
    "head", ["", "Host: \r\n", "Host: localhost\r\nHost: localhost\r\n"], ids=["none", "empty", "two"]
)
async def test_a_request_without_one_host_is_refused(wire: Wire, head: str) -> None:
    received = await exchange(wire.gateway.port, f"GET /public/ HTTP/1.1\r\n{head}\r\n".encode(), seconds=1)
    assert Answered.read(received.data).status == 400
    await wire.nothing_went_up()


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost:1", "LocalHost:65535"])
async def test_a_host_is_found_in_any_case_and_at_any_port(wire: Wire, host: str) -> None:
    assert (await wire.ask("GET", "/public/", host=host)).status == 200


@pytest.mark.parametrize(
    "target",
    [
        "/_gateway",
        "/_gateway/",
        "/_gateway/nothing",
        "/_gateway//",
        "/_gateway/sign-in/",
        "/_gateway/sign-in/x",
        "/_gateway/assets/",
        "/_gateway/assets/../sign-in",
        "/_gateway/assets/..%2fsign-in",
        "/_gateway/assets/%5c%5chost%5cshare",
        "/_GATEWAY/x",
        "/_Gateway/Sign-In",
        "/%5fgateway/x",
        "/%5Fgateway/x",
        "/_gatewa%79/x",
        "/%255fgateway/x",
        "//_gateway/x",
        "///_gateway//x",
        "/_gateway%2fx",
        "/%2f_gateway/x",
        "/_gateway;a=b/x",
        "/;x/_gateway/x",
        "/_gateway%3bx/x",
        "/_gateway%5cx",
        "/%5c_gateway%5cx",
        "/_gateway?x",
        "/public/../_gateway/x",
        "/public/..%2f_gateway/x",
        "/./_gateway/x",
        "/_gateway/../_gateway/x",
        "\\_gateway\\x",
        "/_gateway\\x",
        "/_gateway%00/x",
        "http://localhost/_gateway/x",
        "http://evil.test/_gateway/x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_path_of_the_gateways_own_never_goes_up_in_whatever_spelling(
    method: str, target: str
) -> None:
    async with on_the_wire(routes=ALL_PUBLIC) as wire:
        answer = await wire.ask(method, target, "Content-Length: 0", host="localhost")
        assert answer.status in {400, 404, 405}
        await wire.nothing_went_up()


async def test_another_path_of_the_gateways_own_leaves_the_usual_one_to_the_application() -> None:
    async with on_the_wire(routes=ALL_PUBLIC, gateway='path = "/front/"') as wire:
        assert (await wire.ask("GET", "/_gateway/sign-in")).status == 200
        assert (await wire.ask("GET", "/front/sign-in")).status == 303
        assert (await wire.ask("GET", "/FRONT/sign-in")).status == 404
        assert len(wire.upstream.requests) == 1


@pytest.mark.parametrize(
    "path, allow",
    [
        ("sign-in", "GET"),
        ("callback", "GET"),
        ("sign-out", "GET, POST"),
        ("signed-out", "GET"),
        ("whoami", "GET"),
        ("assets/x", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "TRACE"])
async def test_another_method_on_a_path_of_the_gateways_own_is_refused(
    wire: Wire, path: str, allow: str, method: str
) -> None:
    if method in allow.split(", "):
        return
    answer = await wire.ask(method, f"/_gateway/{path}", "Content-Length: 0")
    assert (answer.status, answer.fields["Allow"]) == (405, allow)
    await wire.nothing_went_up()
