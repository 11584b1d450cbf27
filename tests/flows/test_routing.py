"""Which upstream a request goes to: by host, exact or below a wildcard, and by path."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.demo.provider import Registration
from tests.support.flows import OK, Wire, on_the_wire, sign_in, target_of
from tests.support.oidc_engine import CLIENTS
from tests.support.raw import RawUpstream

EVERYTHING_OPEN = '[[apps.routes]]\npath = "/"\naccess = "public"\n'


@asynccontextmanager
async def several(*more: str, routes: str = EVERYTHING_OPEN) -> AsyncIterator[tuple[Wire, list[RawUpstream]]]:
    """A gateway with further upstreams, whose URLs take the place of `{0}`, `{1}` in `more`."""
    async with AsyncExitStack() as stack:
        upstreams = [await stack.enter_async_context(RawUpstream(OK)) for _ in range(3)]
        urls = [upstream.url for upstream in upstreams]
        wire = await stack.enter_async_context(
            on_the_wire(routes=routes + "".join(text.format(*urls) for text in more))
        )
        yield wire, [wire.upstream, *upstreams]


HOSTS = """
[[apps]]
host = "*.app.localhost"
upstream = "{0}"
[[apps.routes]]
path = "/"
access = "public"
[[apps]]
host = "*.rh.app.localhost"
upstream = "{1}"
[[apps.routes]]
path = "/"
access = "public"
[[apps]]
host = "exact.app.localhost"
upstream = "{2}"
[[apps.routes]]
path = "/"
access = "public"
"""


async def test_a_host_leads_to_its_app_and_a_host_that_nobody_named_to_none() -> None:
    async with several(HOSTS) as (wire, upstreams):
        for host, number in {
            "localhost": 0,
            "a.app.localhost": 1,
            "A.B.App.Localhost": 1,
            "a.app.localhost:8080": 1,
            "a.rh.app.localhost": 2,
            "rh.app.localhost": 1,
            "exact.app.localhost": 3,
        }.items():
            before = [len(upstream.requests) for upstream in upstreams]
            assert (await wire.ask("GET", "/x", host=host)).status == 200
            after = [len(upstream.requests) for upstream in upstreams]
            assert [b - a for a, b in zip(before, after, strict=True)] == [n == number for n in range(4)], (
                host
            )
        seen = [len(upstream.requests) for upstream in upstreams]
        for host in (
            "app.localhost",
            "a.app.localhost.",
            "evilapp.localhost",
            "a.app.localhost.evil",
            ".app.localhost",
            "a..app.localhost",
        ):
            assert (await wire.ask("GET", "/x", host=host)).status == 421, host
        assert [len(upstream.requests) for upstream in upstreams] == seen


async def test_hazard_cross_application_a_session_at_one_host_of_a_wildcard_is_none_at_another() -> None:
    more = '[[apps]]\nhost = "*.app.localhost"\nupstream = "{0}"\nname = "tenants"\n'
    async with several(more) as (wire, (_, tenants, *_rest)):
        port, client = wire.gateway.port, CLIENTS["RS256"]
        one, other = (f"http://{name}.app.localhost:{port}" for name in ("one", "other"))
        wire.provider.register(
            Registration(
                client_id=client.client_id,
                client_secret=client.client_secret,
                redirect_uris=(f"{one}/_gateway/callback",),
                post_logout_redirect_uris=(f"{one}/_gateway/signed-out",),
            )
        )
        page = await sign_in(wire.browser, f"{one}/private", "eleonore")
        assert (page.status, str(page.url)) == (200, f"{one}/private")
        assert [target_of(request) for request in tenants.requests] == [b"/private"]
        cookie = f"Cookie: gateway={wire.browser.cookies(one)['gateway']}"
        assert (await wire.ask("GET", "/private", cookie, host=f"one.app.localhost:{port}")).status == 200
        assert (await wire.ask("GET", "/private", cookie, host=f"other.app.localhost:{port}")).status == 401
        refused = await wire.ask("GET", "/private", host=f"other.app.localhost:{port}")
        assert f'"{other}/_gateway/sign-in"'.encode() in refused.body


PARTS = """
[[apps.upstreams]]
path = "/api/"
upstream = "{0}"
strip_prefix = true
[[apps.upstreams]]
path = "/api/v2"
upstream = "{1}/base"
"""


ARRIVES = {
    "/": (0, "/"),
    "/apis/x": (0, "/apis/x"),
    "/x/api/y": (0, "/x/api/y"),
    "/api": (1, "/"),
    "/api/": (1, "/"),
    "/api?q=/api/v2": (1, "/?q=/api/v2"),
    "/api/a%20b//c?d=%2F": (1, "/a%20b//c?d=%2F"),
    "/api/v2": (2, "/base/api/v2"),
    "/api/v2/x": (2, "/base/api/v2/x"),
    "/api/v20": (1, "/v20"),
}
TO_TWO_PLACES = ["/API/x", "/api;x/y", "//api/x", "/api%2fx", "/x/..%2fapi/y", "/api%252fv2/x", "/api/V2/x"]


async def test_a_path_leads_to_the_upstream_of_the_longest_path_above_it() -> None:
    async with several(PARTS) as (wire, upstreams):
        for target, (number, arrives) in ARRIVES.items():
            for upstream in upstreams:
                upstream.requests.clear()
            assert (await wire.ask("GET", target)).status == 200
            assert [[target_of(r).decode() for r in upstream.requests] for upstream in upstreams[:3]] == [
                [arrives] if n == number else [] for n in range(3)
            ]
            prefixed = b"X-Forwarded-Prefix: /api\r\n" in upstreams[number].requests[0]
            assert prefixed == (number == 1)


async def test_hazard_path_matching_a_path_that_could_lead_to_two_upstreams_reaches_none() -> None:
    async with several(PARTS) as (wire, upstreams):
        # The last would be taken off, and is not written as it stands in the settings.
        for target in (*TO_TWO_PLACES, "/%61pi/x"):
            assert (await wire.ask("GET", target)).status == 400, target
        assert [upstream.requests for upstream in upstreams] == [[], [], [], []]


async def test_rules_are_about_the_path_that_the_browser_asked_for() -> None:
    routes = '[[apps.routes]]\npath = "/api/open"\naccess = "public"\n'
    async with several(PARTS, routes=routes) as (wire, upstreams):
        assert (await wire.ask("GET", "/api/open/x")).status == 200
        assert (await wire.ask("GET", "/open/x")).status == 401
        assert (await wire.ask("GET", "/api/v2/x")).status == 401
        assert [len(upstream.requests) for upstream in upstreams] == [0, 1, 0, 0]


async def test_requests_go_round_the_addresses_of_an_upstream_and_past_one_that_is_away(
    unused_tcp_port: int,
) -> None:
    async with RawUpstream(OK) as one, RawUpstream(OK) as other:
        gone = f"http://127.0.0.1:{unused_tcp_port}"
        more = f'[[apps]]\nhost = "many.localhost"\nupstream = ["{one.url}", "{gone}", "{other.url}"]\n'
        async with on_the_wire(routes=more + EVERYTHING_OPEN) as wire:
            for _ in range(8):
                assert (await wire.ask("GET", "/", host="many.localhost")).status == 200
            assert len(one.requests) + len(other.requests) == 8
            assert min(len(one.requests), len(other.requests)) >= 3
