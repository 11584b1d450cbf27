from __future__ import annotations

import pytest

from gateway.errors import Fault, UpstreamError
from tests.proxy.certificates import Authority
from tests.proxy.conftest import Running
from tests.proxy.heads import HeadsUpstream
from tests.support.raw import RawConnection, RawUpstream

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n"


async def test_an_upstream_may_be_reached_over_tls_with_an_authority_of_its_own(
    running: Running, authority: Authority
) -> None:
    async with RawUpstream(OK, ssl=authority.server("legacy.test")) as upstream:
        front = await running(upstream.url, tls=authority.trusting(), server_name="legacy.test")
        for _ in range(3):
            assert await front.ask(GET) == OK
        assert upstream.connections == 1


@pytest.mark.parametrize("name", ["other.test", None])
async def test_an_upstream_with_another_name_is_refused(
    running: Running, authority: Authority, name: str | None
) -> None:
    async with RawUpstream(OK, ssl=authority.server("legacy.test")) as upstream:
        front = await running(upstream.url, tls=authority.trusting(), server_name=name)
        assert (await front.ask(GET)).startswith(b"HTTP/1.1 502 ")
        assert front.errors[0].fault is Fault.UPSTREAM_TLS
        assert upstream.requests == []


async def test_an_upstream_that_nobody_vouches_for_is_refused(running: Running, authority: Authority) -> None:
    async with RawUpstream(OK, ssl=authority.server("legacy.test")) as upstream:
        front = await running(upstream.url, server_name="legacy.test")
        assert (await front.ask(GET)).startswith(b"HTTP/1.1 502 ")
        with pytest.raises(UpstreamError):
            await front.upstream.probe()
        assert upstream.requests == []


async def test_an_upstream_may_ask_who_the_gateway_is(running: Running, authority: Authority) -> None:
    tls = authority.server("legacy.test", client_authority=authority)
    async with RawUpstream(OK, ssl=tls) as upstream:
        known = await running(
            upstream.url, tls=authority.trusting(client="gateway"), server_name="legacy.test"
        )
        assert await known.ask(GET) == OK
        unknown = await running(upstream.url, tls=authority.trusting(), server_name="legacy.test")
        assert (await unknown.ask(GET)).startswith(b"HTTP/1.1 502 ")
        assert len(upstream.requests) == 1


@pytest.mark.parametrize("size", [5, 3_000_000])
async def test_bodies_cross_tls_on_both_sides_whole(
    running: Running, authority: Authority, size: int
) -> None:
    async def echo(connection: RawConnection) -> None:
        body = upstream.requests[-1].partition(b"\r\n\r\n")[2]
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    sent = (bytes(range(256)) * (size // 256 + 1))[:size]
    async with RawUpstream(echo, ssl=authority.server("legacy.test")) as upstream:
        front = await running(
            upstream.url,
            tls=authority.trusting(),
            server_name="legacy.test",
            front_tls=authority.server("app.example"),
        )
        async with await front.connect(ssl=authority.trusting(), server_hostname="app.example") as browser:
            for _ in range(2):
                await browser.send(
                    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (size, sent)
                )
                assert (await browser.read_message()).partition(b"\r\n\r\n")[2] == sent


@pytest.mark.parametrize("ends", ["browser", "upstream", "gateway"])
async def test_a_tunnel_crosses_tls_on_both_sides(running: Running, authority: Authority, ends: str) -> None:
    async def side(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"websocket")
        assert await connection.read_until(b"question") == b"question"
        await connection.send(b"\x81\x06answer")
        if ends != "upstream":
            assert (await connection.read()).closed
        await connection.close()

    async with HeadsUpstream(side, ssl=authority.server("legacy.test")) as upstream:
        front = await running(
            upstream.url,
            tls=authority.trusting(),
            server_name="legacy.test",
            front_tls=authority.server("app.example"),
        )
        async with await front.connect(ssl=authority.trusting(), server_hostname="app.example") as browser:
            await browser.send(UPGRADE % b"websocket" + b"question")
            await browser.read_until(b"answer")
            if ends == "gateway":
                front.streams.cut("alice")
                assert await browser.read_until(b"\x03\xf0") == b"\x88\x02\x03\xf0"
            if ends != "browser":
                assert (await browser.read()).closed
        await front.quiet()
