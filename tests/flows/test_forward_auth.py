"""What a front server is told that asks about each request, and what nobody gets past it with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Final

import pytest

from gateway.access.identity import IdentityFields
from tests.support.flows import Answered, Wire, gateway_at_demo, on_the_wire
from tests.support.http_browser import HTTPBrowser

ASK: Final = "/_gateway/forward-auth"
TRUSTED: Final = 'trusted_proxies = ["127.0.0.1"]'
ROUTES: Final = """
[[apps.routes]]
path = "/public/"
access = "public"
[[apps.routes]]
path = "/whoever/"
access = "optional"
[[apps.routes]]
path = "/closed/"
access = "deny"
[[apps.routes]]
path = "/only/"
methods = ["GET"]
access = "public"
[[apps.routes]]
path = "/strong/"
require.acr = ["eidas3"]
"""
NAVIGATION: Final = ("Sec-Fetch-Mode: navigate", "Accept: text/html")
GET: Final = "X-Forwarded-Method: GET"


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with on_the_wire(routes=ROUTES, gateway=TRUSTED) as ready:
        yield ready


async def asked(wire: Wire, target: str, *fields: str, method: str = "GET") -> Answered:
    told = (f"X-Forwarded-Uri: {target}", f"X-Forwarded-Method: {method}", "X-Forwarded-For: 203.0.113.7")
    return await wire.ask("GET", ASK, *told, *fields)


def identity(answer: Answered) -> dict[str, str]:
    names = {name.decode() for name in IdentityFields().usual}
    return {name: value for name, value in answer.fields.items() if name in names and value}


async def test_the_application_is_told_who_is_signed_in(wire: Wire) -> None:
    await wire.sign_in()
    answer = await asked(wire, "/page?x=1", wire.cookie)
    assert (answer.status, answer.body) == (200, b"")
    told = identity(answer)
    assert told["Remote-User"] == "eleonore.lefevre-oeillet@morbihan.example.gouv.fr"
    assert told["X-ProConnect-Given-Name"] == "%C3%89l%C3%A9onore"
    assert answer.fields["Cache-Control"] == "no-store"
    await wire.nothing_went_up()


@pytest.mark.parametrize("encoding, name", [("latin-1", b"\xc9l\xe9onore"), ("utf-8", "Éléonore".encode())])
async def test_names_keep_their_accents_in_raw_encodings(encoding: str, name: bytes) -> None:
    async with on_the_wire(gateway=TRUSTED, app=f'encoding = "{encoding}"') as wire:
        await wire.sign_in()
        answer = await asked(wire, "/page", wire.cookie)
        assert b"X-ProConnect-Given-Name: " + name + b"\r\n" in answer.octets


@pytest.mark.parametrize("target", ["/public/x", "/whoever/", "/only/"])
async def test_an_open_path_is_allowed_and_every_usual_field_is_there_and_empty(
    wire: Wire, target: str
) -> None:
    answer = await asked(wire, target)
    assert answer.status == 200
    assert [answer.fields[name.decode()] for name in IdentityFields().usual] == [""] * len(
        IdentityFields().usual
    )


async def test_a_public_path_tells_nothing_about_the_person(wire: Wire) -> None:
    await wire.sign_in()
    assert identity(await asked(wire, "/public/x", wire.cookie)) == {}
    assert identity(await asked(wire, "/whoever/x", wire.cookie))["Remote-User"]


async def test_a_navigation_without_a_session_gets_the_page_and_where_to_sign_in(wire: Wire) -> None:
    answer = await asked(wire, "/page?x=1&y=%C3%A9", *NAVIGATION)
    assert answer.status == 401
    there = f"{wire.gateway.url}/_gateway/sign-in?return_to=/page%3Fx%3D1%26y%3D%25C3%25A9"
    assert answer.fields["Location"] == there
    assert "ProConnect" in answer.body.decode()
    assert "Refresh" not in answer.fields
    assert "Set-Cookie" not in answer.fields


async def test_where_the_service_signs_in_at_once_the_page_goes_on_by_itself() -> None:
    async with on_the_wire(gateway=TRUSTED, app='sign_in = "redirect"') as wire:
        answer = await asked(wire, "/page", *NAVIGATION)
        assert (answer.status, answer.fields["Refresh"]) == (401, "0;url=/_gateway/sign-in?return_to=/page")


async def test_a_program_without_a_session_gets_a_problem_and_no_location(wire: Wire) -> None:
    answer = await asked(wire, "/page", "Sec-Fetch-Mode: cors")
    assert (answer.status, "Location" in answer.fields) == (401, False)
    assert json.loads(answer.body)["sign_in_url"] == f"{wire.gateway.url}/_gateway/sign-in"


async def test_a_level_that_is_too_low_leads_to_a_step_up(wire: Wire) -> None:
    await wire.sign_in()
    answer = await asked(wire, "/strong/", wire.cookie, *NAVIGATION)
    assert (answer.status, answer.fields["Refresh"]) == (401, "0;url=/_gateway/sign-in?return_to=/strong/")
    answer = await asked(wire, "/strong/", wire.cookie)
    assert 'error="insufficient_user_authentication"' in answer.fields["WWW-Authenticate"]


async def test_a_refused_request_gets_403(wire: Wire) -> None:
    assert (await asked(wire, "/closed/x")).status == 403
    page = await asked(wire, "/closed/x", *NAVIGATION)
    assert (page.status, page.fields["Content-Type"]) == (403, "text/html; charset=utf-8")


async def test_the_method_told_decides_and_not_that_of_the_question(wire: Wire) -> None:
    assert (await asked(wire, "/only/", method="POST")).status == 401
    assert (await asked(wire, "/only/", method="HEAD")).status == 200


@pytest.mark.parametrize("method", ["get", "Post", "TRACE", "CONNECT", "GET POST", ""])
async def test_a_method_that_no_application_can_mean_is_refused(wire: Wire, method: str) -> None:
    assert (await asked(wire, "/public/x", method=method)).status in {400, 405}


class TestNobodyElseMayAsk:
    """What is told about the original request counts from a trusted proxy alone."""

    async def test_an_address_that_is_not_trusted_is_refused(self) -> None:
        async with on_the_wire(routes=ROUTES, gateway='trusted_proxies = ["192.0.2.0/24"]') as wire:
            assert (await asked(wire, "/public/x")).status == 403

    async def test_by_default_nobody_is_trusted(self) -> None:
        async with on_the_wire(routes=ROUTES) as wire:
            assert (await asked(wire, "/public/x")).status == 403

    async def test_elsewhere_what_is_told_of_another_request_counts_for_nothing(self, wire: Wire) -> None:
        told = [f"{name}: /public/x" for name in ("X-Forwarded-Uri", "X-Original-Uri", "X-Rewrite-Url")]
        assert (await wire.ask("GET", "/page", *told)).status == 401


class TestWhatCannotBeDroppedIsRefused:
    """The front server sends the browser's own fields on, so a forged one must not get that far."""

    @pytest.mark.parametrize(
        "name", ["X-ProConnect-Email", "x_proconnect_email", "X.ProConnect.Foo", "REMOTE_USER", "remote-user"]
    )
    @pytest.mark.parametrize("target", ["/page", "/public/x"])
    async def test_a_forged_identity_field_in_any_spelling(self, wire: Wire, name: str, target: str) -> None:
        await wire.sign_in()
        answer = await asked(wire, target, wire.cookie, f"{name}: root@example.gouv.fr")
        assert (answer.status, json.loads(answer.body)["type"]) == (
            403,
            "urn:proconnect-gateway:field-forged",
        )

    async def test_a_websocket_from_another_site(self, wire: Wire) -> None:
        await wire.sign_in()
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
        assert (await asked(wire, "/ws", wire.cookie, key, "Origin: https://evil.example")).status == 403
        assert (await asked(wire, "/ws", wire.cookie, key, f"Origin: {wire.gateway.url}")).status == 200

    async def test_the_gateways_cookies_are_not_among_those_for_the_application(self, wire: Wire) -> None:
        await wire.sign_in()
        answer = await asked(wire, "/page", f"{wire.cookie}; theme=dark; gateway-a=1; lang=fr")
        assert answer.fields["Cookie"] == "theme=dark; lang=fr"
        assert (await asked(wire, "/page", wire.cookie)).fields["Cookie"] == ""


DOUBTS: Final = [
    (GET,),
    ("X-Forwarded-Uri: /public/x",),
    (GET, "X-Forwarded-Uri: /public/x", "X-Forwarded-Uri: /page"),
    (GET, "X-Forwarded-Uri: /public/x", "X-Original-Uri: /page"),
    (GET, "X-Forwarded-Uri: /public/x", "X-Original-Url: http://localhost/page"),
    (GET, "X-Original-Method: POST", "X-Forwarded-Uri: /only/"),
    (GET, "X-Forwarded-Uri: /public/../page"),
    (GET, "X-Forwarded-Uri: /public/%2e%2e/page"),
    (GET, "X-Forwarded-Uri: public/x"),
    (GET, "X-Forwarded-Uri: http://elsewhere.example/public/x"),
    (GET, "X-Forwarded-Uri: "),
]
"""Fields from which no request can be told for sure."""


@pytest.mark.parametrize("fields", DOUBTS, ids=str)
async def test_a_doubt_about_the_request_lets_nothing_through(wire: Wire, fields: tuple[str, ...]) -> None:
    assert (await wire.ask("GET", ASK, *fields)).status == 400


async def test_a_host_that_no_app_has_is_not_the_first_apps(wire: Wire) -> None:
    answer = await asked(wire, "/public/x", "X-Forwarded-Host: elsewhere.example")
    assert answer.status == 421


async def test_what_a_front_server_carries_is_not_forwarded_from_here() -> None:
    async with (
        gateway_at_demo("forward-auth", routes=ROUTES, gateway=TRUSTED) as (gateway, _),
        HTTPBrowser() as browser,
    ):
        told = {"X-Forwarded-Uri": "/public/x", "X-Forwarded-Method": "GET"}
        assert (await browser.fetch(f"{gateway.url}/public/x")).status == 404
        assert (await browser.fetch(gateway.url + ASK, fields=told)).status == 200


async def test_the_gateways_own_paths_are_nobodys_to_ask_about(wire: Wire) -> None:
    assert (await asked(wire, "/_gateway/whoami")).status == 404


@pytest.mark.parametrize("agent", ["kube-probe/1.29", "GoogleHC/1.0", "ELB-HealthChecker/2.0"])
async def test_a_health_probes_name_opens_nothing(wire: Wire, agent: str) -> None:
    assert (await asked(wire, "/page", f"User-Agent: {agent}")).status == 401
