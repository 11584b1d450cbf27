"""Fields by setting: what an application is told, and what becomes of the fields of its answers."""

from __future__ import annotations

import re

from tests.support.flows import OK, Wire, fields_of, on_the_wire
from tests.support.raw import RawConnection, RawUpstream

OPEN = '[[apps.routes]]\npath = "/open"\naccess = "public"\n'
BY_METHOD = '[[apps.routes]]\npath = "/open"\naccess = "public"\nmethods = ["GET"]\n'
OVERRIDES = ("X-HTTP-Method-Override", "x_http_method_override", "X-HTTP-Method", "X-Method-Override")


def of(request: bytes, name: str) -> list[str]:
    return [value for field, value in fields_of(request) if field.lower() == name.lower()]


async def the_request(wire: Wire, *fields: str) -> bytes:
    wire.upstream.requests.clear()
    assert (await wire.ask("GET", "/open/x", *fields)).status == 200
    (request,) = wire.upstream.requests
    return request


async def test_the_application_is_told_in_the_fields_that_the_settings_name() -> None:
    app = 'x_forwarded = false\nforwarded = true\nvia = true\nrequest_fields = { X-Tenant = "56" }\n'
    async with on_the_wire(app=app, routes=OPEN) as wire:
        request = await the_request(
            wire,
            "X_Tenant: 1",
            "x-tenant: 2",
            "X-Forwarded-For: 192.0.2.9",
            "Forwarded: for=x",
            "Via: 1.0 cache",
        )
        assert of(request, "Forwarded") == [f'for=127.0.0.1;proto=http;host="{wire.host}"']
        assert of(request, "Via") == ["1.0 cache", "1.1 proconnect-gateway"]
        assert of(request, "X-Tenant") == ["56"]
        assert not re.search(rb"x-forwarded|x_tenant", request, re.IGNORECASE)
        wire.upstream.requests.clear()
        old = f"GET /open/x HTTP/1.0\r\nHost: {wire.host}\r\n\r\n".encode()
        await wire.send(old)
        assert of(wire.upstream.requests[0], "Via") == ["1.0 proconnect-gateway"]


async def test_hazard_method_override_fields_are_dropped_where_rules_have_methods() -> None:
    sent = [f"{name}: DELETE" for name in OVERRIDES]
    async with on_the_wire(routes=BY_METHOD) as wire:
        assert b"DELETE" not in await the_request(wire, *sent)
    async with on_the_wire(routes=OPEN) as wire:
        assert (await the_request(wire, *sent)).count(b"DELETE") == len(sent)
    async with on_the_wire(routes=BY_METHOD, app="danger_keep_method_override = true\n") as wire:
        assert (await the_request(wire, *sent)).count(b"DELETE") == len(sent)


async def test_an_application_that_names_its_own_address_is_corrected_when_told() -> None:
    fields = (
        "Location: {url}/login?next={url}/x",
        "Content-Location: http://{host}/x",
        "Refresh: 5; url={url}//evil.example/",
        "Set-Cookie: a=1; Domain=127.0.0.1; Path=/",
        "Link: <{url}/style.css>",
    )

    async def answered(app: str) -> list[str]:
        async def name_its_own_address(connection: RawConnection) -> None:
            lines = [line.format(url=wire.upstream.url, host=wire.host) for line in fields]
            await connection.send(
                "\r\n".join(["HTTP/1.1 302 Found", *lines, "Content-Length: 0", "", ""]).encode()
            )

        async with on_the_wire(name_its_own_address, app=app, routes=OPEN) as wire:
            answer = await wire.ask("GET", "/open")
            given = [f"{name}: {value}" for name, value in answer.fields.items() if name != "Content-Length"]
            return [line.replace(wire.upstream.url, "{url}").replace(wire.host, "{host}") for line in given]

    assert await answered("") == list(fields)
    assert await answered("response.rewrite_address = true\n") == [
        "Location: /login?next={url}/x",
        "Content-Location: /x",
        "Refresh: 5; url=/evil.example/",
        "Set-Cookie: a=1; Path=/",
        "Link: <{url}/style.css>",
    ]
    assert (await answered('response.locations = { "http://127.0.0.1" = "/old" }\n'))[0] == fields[0]


async def test_a_prefix_that_is_taken_off_is_put_back_when_told() -> None:
    answer = (
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Location: /api/x\r\n"
        b"Refresh: 0;URL=//evil.example/\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    )
    below = '{{ path = "/open", upstream = "{}", strip_prefix = true }}'
    app = f"response.rewrite_address = true\nupstreams = [{below}]\n"
    async with RawUpstream(answer) as behind, on_the_wire(app=app.format(behind.url), routes=OPEN) as wire:
        fields = (await wire.ask("GET", "/open/x")).fields
        assert (fields["Location"], fields["Content-Location"]) == ("/open/login", "/open/api/x")
        assert (fields["Refresh"], fields["Set-Cookie"]) == ("0;URL=//evil.example/", "a=1; Path=/open/")


async def test_fields_of_answers_are_removed_replaced_and_added_as_the_settings_say() -> None:
    app = """
response.security_fields = true
response.remove = ["server", "X-Powered-By"]
response.add = { X-Robots-Tag = "noindex", X-Frame-Options = "DENY" }
response.replace = { Cache-Control = "no-store" }
"""
    answer = (
        b"HTTP/1.1 200 OK\r\nServer: old/1.0\r\nX-Powered-By: PHP/5.3\r\nX-Robots-Tag: all\r\n"
        b"Cache-Control: public\r\nReferrer-Policy: unsafe-url\r\nContent-Length: 0\r\n\r\n"
    )
    async with on_the_wire(answer, app=app, routes=OPEN) as wire:
        fields = (await wire.ask("GET", "/open")).fields
        assert dict(fields) == {
            "X-Robots-Tag": "all",
            "Referrer-Policy": "unsafe-url",
            "Content-Length": "0",
            "Cache-Control": "no-store",
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "frame-ancestors 'self'",
        }


async def test_another_products_names_reach_the_application_and_a_browsers_own_never() -> None:
    app = 'identity_fields = "authelia"\nidentity_templates = { X-Full-Name = "{given_name} {usual_name}" }\n'
    forged = [
        f"{name}: root"
        for name in (
            "Remote-Groups",
            "remote_groups",
            "REMOTE-NAME",
            "Remote_Email",
            "Remote-User",
            "x_full_name",
        )
    ]
    async with on_the_wire(OK, app=app, routes=OPEN) as wire:
        assert b"root" not in await the_request(wire, *forged)
        await wire.sign_in()
        assert (await wire.ask("GET", "/private", wire.cookie, *forged)).status == 200
        (request,) = wire.upstream.requests
        assert b"root" not in request
        assert of(request, "Remote-Email") == of(request, "Remote-User") != []
        assert of(request, "X-Full-Name")[0].encode("latin-1").decode().count(" ") >= 1
        assert not re.search(rb"x-proconnect", request, re.IGNORECASE)
