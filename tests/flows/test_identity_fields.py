"""Who the application is told is there: by the gateway alone, whatever a browser writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.support.flows import Wire, fields_of, on_the_wire

ROUTES = """
[[apps.routes]]
path = "/public/"
access = "public"
[[apps.routes]]
path = "/whoever/"
access = "optional"
"""
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
PROXY_TRUSTED = 'trusted_proxies = ["127.0.0.0/8"]'

FORGED_NAMES = [
    "X-ProConnect-Email",
    "x-proconnect-email",
    "X-PROCONNECT-EMAIL",
    "X_ProConnect_Email",
    "x-proconnect_email",
    "X_PROCONNECT-EMAIL",
    "X.ProConnect.Email",
    "X-ProConnect-Sub",
    "X-ProConnect-Acr",
    "X_ProConnect_Siret",
    "X-ProConnect-Of-No-Claim",
    "x_proconnect_",
    "Remote-User",
    "remote-user",
    "REMOTE_USER",
    "Remote_User",
    "Remote.User",
]
TOLD_NAMES = [
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Server",
    "X-Forwarded-Uri",
    "X_Forwarded_For",
    "x-forwarded_host",
    "Forwarded",
    "X-Real-IP",
    "X_Real_IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Request-Id",
    "X_Request_Id",
    "Proxy",
]
EVERYWHERE = {
    "signed in": ("GET", "/private", True),
    "signed in, with a body": ("POST", "/private", True),
    "signed in, HEAD": ("HEAD", "/private", True),
    "signed in, preflight": ("OPTIONS", "/private", True),
    "signed in, WebSocket": ("GET", "/ws", True),
    "public": ("GET", "/public/", False),
    "public, though signed in": ("GET", "/public/", True),
    "public, preflight": ("OPTIONS", "/public/", False),
    "public, WebSocket": ("GET", "/public/ws", False),
    "optional": ("GET", "/whoever/", False),
    "optional, signed in": ("GET", "/whoever/", True),
}


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with on_the_wire(routes=ROUTES) as ready:
        yield ready


def folded(name: str) -> str:
    """How an application may read a name: one that makes a variable of it forgets case and punctuation."""
    return "".join(c if c.isalnum() else "-" for c in name.lower())


def told(request: bytes, prefix: str) -> dict[str, list[str]]:
    """The values of each field whose name an application may read as one of these."""
    found: dict[str, list[str]] = {}
    for name, value in fields_of(request):
        if folded(name).startswith(prefix):
            found.setdefault(folded(name), []).append(value)
    return found


async def received(wire: Wire, method: str, target: str, *fields: str) -> bytes:
    """One request as the application gets it."""
    wire.upstream.requests.clear()
    await wire.ask(method, target, *fields)
    (request,) = wire.upstream.requests
    return request


@pytest.mark.parametrize("method, target, signed_in", EVERYWHERE.values(), ids=EVERYWHERE)
async def test_no_forged_field_arrives_in_any_spelling(
    wire: Wire, *, method: str, target: str, signed_in: bool
) -> None:
    fields = [f"{name}: forged-{n}" for name in FORGED_NAMES + TOLD_NAMES for n in (1, 2)]
    if target.endswith("ws"):
        fields += UPGRADE
    if method == "POST":
        fields.append("Content-Length: 0")
    if signed_in:
        await wire.sign_in()
        fields.append(wire.cookie)
    request = await received(wire, method, target, *fields)
    assert b"forged" not in request
    who = told(request, "x-proconnect-") | told(request, "remote-user")
    if not signed_in or target.startswith("/public"):
        assert who == {}
        return
    assert set(Counter(len(values) for values in who.values())) == {1}
    assert who["x-proconnect-email"] == ["eleonore.lefevre-oeillet@morbihan.example.gouv.fr"]
    assert who["remote-user"] == who["x-proconnect-email"]
    assert "x-proconnect-of-no-claim" not in who


@pytest.mark.parametrize(
    "line",
    [
        "X-ProConnect-Email : forged",
        "X-ProConnect-Email\t: forged",
        " X-ProConnect-Email: forged",
        "X-ProConnect Email: forged",
        "X-ProConnect-Ema\xeel: forged",
        "X-ProConnect-Email",
        ": forged",
    ],
    ids=ascii,
)
async def test_a_field_line_that_servers_read_differently_is_refused(wire: Wire, line: str) -> None:
    answer = await wire.ask("GET", "/public/", "X: y", line)
    assert answer.status == 400
    await wire.nothing_went_up()


@pytest.mark.parametrize(
    "lines",
    [
        ("Connection: close, X-ProConnect-Email, x-forwarded-for, Remote-User",),
        ("Connection: x-proconnect-email,x-proconnect-sub", "Connection: X-Request-Id, X-Forwarded-Host"),
        ("Connection: keep-alive, Host, Cookie, X-Forwarded-Proto", "Connection: , ,remote-user"),
        ("CONNECTION: REMOTE-USER, REMOTE_USER, X-PROCONNECT-EMAIL",),
    ],
)
async def test_a_browser_cannot_have_a_field_of_the_gateways_removed(
    wire: Wire, lines: tuple[str, ...]
) -> None:
    await wire.sign_in()
    plain = dict(fields_of(await received(wire, "GET", "/private", wire.cookie)))
    fields = dict(fields_of(await received(wire, "GET", "/private", wire.cookie, *lines)))
    assert fields.pop("X-Request-Id") != plain.pop("X-Request-Id")
    assert {name: value for name, value in fields.items() if name != "Connection"} == plain


async def test_the_browsers_side_is_told_as_the_connection_shows_it(wire: Wire) -> None:
    request = await received(
        wire, "GET", "/public/", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"
    )
    assert told(request, "x-forwarded-") == {
        "x-forwarded-for": ["127.0.0.1"],
        "x-forwarded-proto": ["http"],
        "x-forwarded-host": [wire.host],
    }
    (line,) = [line for line in wire.gateway.lines if line["event"] == "request"]
    assert line["client"] == "127.0.0.1"


@pytest.mark.parametrize(
    "lines, client",
    [
        ((), "127.0.0.1"),
        (("X-Forwarded-For: 203.0.113.7",), "203.0.113.7"),
        (("X-Forwarded-For: 192.0.2.1, 203.0.113.7",), "203.0.113.7"),
        (("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 203.0.113.7"), "203.0.113.7"),
        (("X-Forwarded-For: 192.0.2.1, 203.0.113.7, 127.0.0.9",), "203.0.113.7"),
        (("X-Forwarded-For: 203.0.113.7:4711",), "203.0.113.7"),
        (("X-Forwarded-For: [2001:db8::7]:4711",), "2001:db8::7"),
        (("X-Forwarded-For: unknown",), "127.0.0.1"),
        (("X-Forwarded-For: 203.0.113.7, for=x",), "127.0.0.1"),
        (("X-Real-IP: 203.0.113.7", "Forwarded: for=203.0.113.7"), "127.0.0.1"),
    ],
)
async def test_a_trusted_proxy_is_believed_about_the_browsers_address(
    lines: tuple[str, ...], client: str
) -> None:
    async with on_the_wire(routes=ROUTES, gateway=PROXY_TRUSTED) as wire:
        request = await received(wire, "GET", "/public/", *lines)
        assert told(request, "x-forwarded-for") == {"x-forwarded-for": [client]}


async def test_a_trusted_proxy_is_believed_about_scheme_and_host() -> None:
    async with on_the_wire(routes=ROUTES, gateway=PROXY_TRUSTED) as wire:
        from_proxy = ["X-Forwarded-Proto: https", "X-Forwarded-Host: localhost:8443"]
        wire.upstream.requests.clear()
        answer = await wire.ask("GET", "/public/", *from_proxy, host="inside.test:80")
        assert answer.status == 200
        (request,) = wire.upstream.requests
        assert told(request, "x-forwarded-") == {
            "x-forwarded-for": ["127.0.0.1"],
            "x-forwarded-proto": ["https"],
            "x-forwarded-host": ["localhost:8443"],
        }
        assert [value for name, value in fields_of(request) if name == "Host"] == ["localhost:8443"]
        elsewhere = await wire.ask("GET", "/public/", "X-Forwarded-Host: evil.test")
        gopher = await wire.ask("GET", "/public/", "X-Forwarded-Proto: gopher")
        assert (elsewhere.status, gopher.status) == (421, 400)


async def test_forwarded_fields_of_a_stranger_move_no_redirect_uri(wire: Wire) -> None:
    lies = [
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Prefix: /evil",
        "Forwarded: host=evil",
    ]
    answer = await wire.ask("GET", "/_gateway/sign-in", *lies)
    assert answer.status == 303
    assert "evil" not in answer.fields["Location"]
    assert (
        f"redirect_uri=http%3A%2F%2Flocalhost%3A{wire.gateway.port}%2F_gateway%2Fcallback"
        in answer.fields["Location"]
    )
    assert "Secure" not in answer.fields["Set-Cookie"]


@pytest.mark.parametrize(
    "encoding, usual_name",
    [
        ("percent", b"Lef%C3%A8vre-%C5%92illet"),
        ("utf-8", "Lefèvre-Œillet".encode()),
        ("latin-1", "Lefèvre-OEillet".encode("latin-1")),
        ("base64", b"TGVmw6h2cmUtxZJpbGxldA=="),
        ("ascii", b"Lefevre-OEillet"),
    ],
)
async def test_a_name_is_written_as_the_application_reads_it(encoding: str, usual_name: bytes) -> None:
    async with on_the_wire(app=f'encoding = "{encoding}"') as wire:
        await wire.sign_in()
        request = await received(wire, "GET", "/", wire.cookie)
        assert b"\r\nX-ProConnect-Usual-Name: " + usual_name + b"\r\n" in request
