"""What crosses the gateway unharmed, and what does not: targets, cookies, how an answer may be kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.flows import OK, Wire, fields_of, on_the_wire, target_of

ROUTES = '[[apps.routes]]\npath = "/public/"\naccess = "public"\n'

TARGETS = [
    "/",
    "/a%2Fb",
    "/a%2fb",
    "/a%7eb",
    "/a~b",
    "/a%41b",
    "/a;b=c;d",
    "/a//b",
    "/a/",
    "/a%20b+c",
    "/a%C3%A9",
    "/a%e9",
    "/A/b",
    "/a%25b",
    "/a:b@c",
    "/a'(b)*,!$&=",
    "/a?",
    "/a??",
    "/a?b",
    "/a?b=c&b=d&&=",
    "/a?u=http://x//y/../z",
    "/a?b=%2F%2f%7e%",
    "/a?b;c|d^e`f{g}[h]",
    "/a?b=\"<>\\'",
    "/a?" + "x" * 8000,
    "/" + "x" * 8000,
]


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with on_the_wire(routes=ROUTES) as ready:
        await ready.sign_in()
        yield ready


@pytest.mark.parametrize("target", TARGETS, ids=[target[:40] for target in TARGETS])
async def test_a_target_arrives_octet_for_octet(wire: Wire, target: str) -> None:
    for asked in (target, f"http://{wire.host}{target}"):
        assert (await wire.ask("GET", asked, wire.cookie)).status == 200
    assert [target_of(request) for request in wire.upstream.requests] == [target.encode()] * 2


async def test_the_request_id_is_the_one_in_the_log(wire: Wire) -> None:
    await wire.ask("GET", "/private", wire.cookie, "X-Request-Id: theirs", "X_Request_Id: theirs")
    (request,) = wire.upstream.requests
    ids = [value for name, value in fields_of(request) if name.lower().replace("_", "-") == "x-request-id"]
    line = [line for line in wire.gateway.lines if line["event"] == "request"][-1]
    assert ids == [line["request_id"]]
    assert line["path"] == "/private"
    assert len({line["request_id"] for line in wire.gateway.lines if line["event"] == "request"}) > 1


SESSION = "gateway=" + "A" * 43
ATTEMPT = "gateway-sign-in-0a1b2c3d=AAAA"


@pytest.mark.parametrize(
    "sent, goes_up",
    [
        ((f"a=1; {SESSION}; b=2",), ["a=1; b=2"]),
        ((f"{SESSION}; a=1",), ["a=1"]),
        ((f"a=1; {SESSION}",), ["a=1"]),
        ((f"a=1;{SESSION};b=2",), ["a=1;b=2"]),
        ((SESSION,), []),
        ((ATTEMPT, SESSION), []),
        ((f"a=1; {ATTEMPT}; b=2; gateway-sign-out=x; c=3",), ["a=1; b=2; c=3"]),
        ((f"__Host-{SESSION}; __Host-{ATTEMPT}; a=1",), ["a=1"]),
        ((f"b=2; {SESSION}; a=1", f"{SESSION}; a=0; {SESSION}"), ["b=2; a=1", "a=0"]),
        (('a="x; y"; b="\\""; c= d ; e',), ['a="x; y"; b="\\""; c= d ; e']),
        (("a=\xe9\xff; b=%3B; c=a=b=c",), ["a=\xe9\xff; b=%3B; c=a=b=c"]),
        (("xgateway=1; Gateway=2; my-gateway=3",), ["xgateway=1; Gateway=2; my-gateway=3"]),
        (("a=1; a=2; a=1",), ["a=1; a=2; a=1"]),
        ((";;a=1;;",), [";;a=1;;"]),
        (("gateway; a=1",), ["a=1"]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("target", ["/private", "/public/"])
async def test_the_gateways_cookies_stay_and_the_others_go_up_as_they_came(
    wire: Wire, sent: tuple[str, ...], goes_up: list[str], target: str
) -> None:
    mine = wire.cookie.removeprefix("Cookie: ")
    asked = await wire.ask("GET", target, wire.cookie, *(f"Cookie: {value}" for value in sent))
    assert asked.status == 200
    (request,) = wire.upstream.requests
    assert [value for name, value in fields_of(request) if name == "Cookie"] == goes_up
    assert mine.encode() not in request


@pytest.mark.parametrize("target", ["/private", "/public/"])
async def test_an_application_sets_its_own_cookies_and_none_of_the_gateways(target: str) -> None:
    kept = ["a=1; Path=/", "xgateway=1", "b=gateway=x", 'c="x"; Expires=Thu, 01 Jan 2037 00:00:00 GMT']
    dropped = [
        SESSION,
        f"{SESSION}; Path=/; HttpOnly",
        f" {SESSION}",
        "gateway=; Max-Age=0",
        "gateway",
        f"={SESSION}",
        ATTEMPT,
        "gateway-sign-out=x",
        f"__Host-{SESSION}; Secure; Path=/",
        f"__Host-{ATTEMPT}; Secure; Path=/",
    ]
    lines = [f"Set-Cookie: {value}\r\n" for pair in zip(dropped, kept * 3, strict=False) for value in pair]
    answer_with_cookies = OK.replace(b"\r\n\r\n", b"\r\n" + "".join(lines).encode() + b"\r\n")
    async with on_the_wire(answer_with_cookies, routes=ROUTES) as wire:
        await wire.sign_in()
        answer = await wire.ask("GET", target, wire.cookie)
        assert answer.status == 200
        expected = [value for _, value in zip(dropped, kept * 3, strict=False)]
        assert answer.fields.getall("Set-Cookie") == expected


@pytest.mark.parametrize(
    "said, kept_as",
    [
        ([], {"Cache-Control": ["private"], "Vary": ["Cookie"]}),
        (["Expires: 0"], {"Cache-Control": ["private"], "Vary": ["Cookie"], "Expires": ["0"]}),
        (["Vary: Accept"], {"Cache-Control": ["private"], "Vary": ["Accept", "Cookie"]}),
        (["Cache-Control: max-age=60"], {"Cache-Control": ["max-age=60"]}),
        (["cache-control: no-store", "Pragma: x"], {"Cache-Control": ["no-store"], "Pragma": ["x"]}),
        (["Cache-Control: public", "Cache-Control: max-age=9"], {"Cache-Control": ["public", "max-age=9"]}),
    ],
)
async def test_an_answer_for_one_person_is_private_unless_the_application_says_otherwise(
    said: list[str], kept_as: dict[str, list[str]]
) -> None:
    spoken = OK.replace(b"\r\n\r\n", "".join(f"\r\n{line}" for line in said).encode() + b"\r\n\r\n")
    async with on_the_wire(spoken, routes=ROUTES) as wire:
        stranger = await wire.ask("GET", "/public/")
        await wire.sign_in()
        person = await wire.ask("GET", "/private", wire.cookie)
        public = await wire.ask("GET", "/public/", wire.cookie)
    for answer in (stranger, public):
        assert [line for line in answer.octets.decode().split("\r\n")[2:-2] if line] == said
    got: dict[str, list[str]] = {}
    for name, value in person.fields.items():
        got.setdefault(name.title(), []).append(value)
    assert got == {"Content-Length": ["2"], **kept_as}


async def test_no_answer_of_an_application_renews_the_sessions_cookie(wire: Wire) -> None:
    for _ in range(3):
        assert "Set-Cookie" not in (await wire.ask("GET", "/private", wire.cookie)).fields
