from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from gateway.errors import Fault, ProviderError, ProviderTimeoutError
from gateway.oidc.answer import Answer
from gateway.oidc.http import ProviderHttp
from gateway.secret import Secret
from tests.support.certificates import TestAuthority
from tests.support.processes import free_port
from tests.support.raw import RawConnection, RawUpstream

MALFORMED = Fault.TOKEN_MALFORMED


def said(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, *fields, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, b"", body])


HONEST = said(b"{}", b"Content-Type: application/json", b"Date: Fri, 15 Jan 2027 08:00:00 GMT")


@pytest.fixture
async def http() -> AsyncIterator[ProviderHttp]:
    opened = ProviderHttp(timeout=5)
    yield opened
    await opened.close()


@pytest.fixture
async def hurried() -> AsyncIterator[ProviderHttp]:
    opened = ProviderHttp(timeout=0.2)
    yield opened
    await opened.close()


async def get(http: ProviderHttp, provider: RawUpstream, path: str = "/x") -> Answer:
    return await http.send(provider.url + path, accept="application/json", malformed=MALFORMED)


async def refusal(http: ProviderHttp, provider: RawUpstream) -> ProviderError:
    with pytest.raises(ProviderError) as refused:
        await get(http, provider)
    return refused.value


async def test_an_answer_is_read_whole(http: ProviderHttp) -> None:
    async with RawUpstream(HONEST) as provider:
        answer = await get(http, provider)
    assert answer == Answer(
        status=200, content_type="application/json", date="Fri, 15 Jan 2027 08:00:00 GMT", body=b"{}"
    )


async def test_a_document_is_asked_for_with_these_fields_and_no_other(http: ProviderHttp) -> None:
    async with RawUpstream(HONEST) as provider:
        await get(http, provider)
        request = provider.requests[0]
    head, *fields = request.decode().rstrip().split("\r\n")
    assert head == "GET /x HTTP/1.1"
    assert sorted(fields) == [
        "Accept-Encoding: identity",
        "Accept: application/json",
        f"Host: 127.0.0.1:{provider.port}",
        "User-Agent: proconnect-gateway",
    ]


async def test_a_url_is_sent_byte_for_byte(http: ProviderHttp) -> None:
    async with RawUpstream(HONEST) as provider:
        await get(http, provider, "/a%2fb/%C3%A9/;x?c=%20&d=+")
        assert provider.requests[0].startswith(b"GET /a%2fb/%C3%A9/;x?c=%20&d=+ HTTP/1.1\r\n")


async def test_a_form_is_posted_with_its_authorization(http: ProviderHttp) -> None:
    async with RawUpstream(HONEST) as provider:
        await http.send(
            provider.url,
            accept="application/json",
            malformed=MALFORMED,
            form=Secret("code=c&x=%C3%A9"),
            authorization=Secret("Basic abc"),
        )
        request = provider.requests[0]
    assert request.startswith(b"POST / HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Basic abc\r\n" in request
    assert b"\r\nContent-Type: application/x-www-form-urlencoded\r\n" in request
    assert request.endswith(b"\r\n\r\ncode=c&x=%C3%A9")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirection_is_not_followed(http: ProviderHttp, status: int) -> None:
    async with RawUpstream() as attacker:
        location = b"Location: " + attacker.url.encode()
        async with RawUpstream(said(b"", location, status=b"%d Go" % status)) as provider:
            answer = await http.send(
                provider.url, accept="application/json", malformed=MALFORMED, form=Secret("code=c")
            )
            assert (answer.status, len(provider.requests)) == (status, 1)
        assert attacker.connections == 0


async def test_a_redirection_to_itself_is_not_followed(http: ProviderHttp) -> None:
    async with RawUpstream(said(b"", b"Location: /x", status=b"302 Found")) as provider:
        assert (await get(http, provider)).status == 302
        assert len(provider.requests) == 1


async def test_a_cookie_is_never_sent_back(http: ProviderHttp) -> None:
    cookie = b"Set-Cookie: provider=1; Path=/; Max-Age=3600"
    async with RawUpstream(said(b"{}", cookie)) as provider:
        for _ in range(3):
            await get(http, provider)
        assert not any(b"cookie" in request.lower() for request in provider.requests)


async def test_no_proxy_is_taken_from_the_environment(
    http: ProviderHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with RawUpstream() as proxy, RawUpstream(HONEST) as provider:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert (await get(http, provider)).status == 200
        assert proxy.connections == 0


@pytest.mark.parametrize("encoding", [b"gzip", b"GZIP", b"deflate", b"br", b"identity, gzip", b"x-unknown"])
async def test_an_encoded_answer_is_refused_unread(http: ProviderHttp, encoding: bytes) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    async with RawUpstream(said(bomb, b"Content-Encoding: " + encoding)) as provider:
        error = await refusal(http, provider)
    assert error.fault is MALFORMED
    assert error.facts["why"] == "encoded"


async def test_an_answer_may_say_that_it_is_not_encoded(http: ProviderHttp) -> None:
    async with RawUpstream(said(b"{}", b"Content-Encoding: Identity")) as provider:
        assert (await get(http, provider)).body == b"{}"


async def test_reading_stops_at_the_limit(http: ProviderHttp) -> None:
    sent = 0

    async def flood(connection: RawConnection) -> None:
        nonlocal sent
        await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        while True:
            await connection.send(chunk)
            sent += len(chunk)

    async with RawUpstream(flood) as provider:
        error = await refusal(http, provider)
    assert error.fault is MALFORMED
    assert error.facts == {"why": "too long"}
    assert sent < 32 << 20


async def trickle(connection: RawConnection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await connection.send(b"x")
        await asyncio.sleep(0.01)


async def endless_fields(connection: RawConnection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await connection.send(b"X: y\r\n")
        await asyncio.sleep(0.01)


async def endless_interim(connection: RawConnection) -> None:
    while True:
        await connection.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await asyncio.sleep(0.01)


async def stall(connection: RawConnection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await connection.read(seconds=60)


async def silence(connection: RawConnection) -> None:
    await connection.read(seconds=60)


@pytest.mark.parametrize("slow", [silence, trickle, stall, endless_interim])
async def test_a_slow_answer_ends_at_the_deadline_and_its_connection_too(
    hurried: ProviderHttp, slow: Callable[[RawConnection], Awaitable[None]]
) -> None:
    ended = asyncio.Event()

    async def noticed(connection: RawConnection) -> None:
        try:
            await slow(connection)
        finally:
            ended.set()

    async with RawUpstream(noticed) as provider:
        error = await refusal(hurried, provider)
        assert isinstance(error, ProviderTimeoutError)
        assert error.fault is Fault.PROVIDER_SLOW
        async with asyncio.timeout(5):
            await ended.wait()


async def test_endless_fields_end_at_their_limit(http: ProviderHttp) -> None:
    async with RawUpstream(endless_fields) as provider:
        assert (await refusal(http, provider)).fault is Fault.PROVIDER_UNREACHABLE


@pytest.mark.parametrize(
    "garbled",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 9000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 100 + b"Content-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"a" * 8000 + b"\r\n") * 100 + b"Content-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
    ],
    ids=lambda garbled: repr(garbled[16:60]),
)
async def test_a_garbled_answer_is_none(http: ProviderHttp, garbled: bytes) -> None:
    async with RawUpstream(garbled, close=True) as provider:
        error = await refusal(http, provider)
    assert type(error) is ProviderError
    assert error.fault is Fault.PROVIDER_UNREACHABLE


async def test_a_form_is_not_sent_again_when_the_connection_breaks(http: ProviderHttp) -> None:
    async def reset(connection: RawConnection) -> None:
        connection.reset()

    async with RawUpstream(HONEST, reset) as provider:
        await get(http, provider)  # the next request goes over the same connection
        with pytest.raises(ProviderError) as refused:
            await http.send(
                provider.url, accept="application/json", malformed=MALFORMED, form=Secret("code=canary")
            )
        assert len(provider.requests) == 2
    assert refused.value.fault is Fault.PROVIDER_UNREACHABLE
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid", "op..invalid", "x" * 64 + ".invalid"])
async def test_a_provider_that_is_not_there_is_not_reached(http: ProviderHttp, host: str) -> None:
    with pytest.raises(ProviderError) as refused:
        await http.send(f"http://{host}:{free_port()}/x", accept="application/json", malformed=MALFORMED)
    assert refused.value.fault is Fault.PROVIDER_UNREACHABLE


async def test_what_was_never_opened_closes() -> None:
    await ProviderHttp(timeout=1).close()


async def fetch_over_tls(server: ssl.SSLContext, trust: ssl.SSLContext | None) -> Answer:
    http = ProviderHttp(timeout=5, tls=trust)
    try:
        async with RawUpstream(HONEST, ssl=server) as provider:
            url = f"https://localhost:{provider.port}/x"
            return await http.send(url, accept="application/json", malformed=MALFORMED)
    finally:
        await http.close()


async def test_a_provider_with_a_certificate_of_a_trusted_authority_is_believed(tmp_path: Path) -> None:
    authority = TestAuthority.new(tmp_path)
    assert (await fetch_over_tls(authority.server("localhost"), authority.trust())).status == 200


@pytest.mark.parametrize(
    "case",
    ["another name", "expired", "unknown authority", "system authorities"],
)
async def test_a_certificate_that_does_not_hold_is_never_bypassed(tmp_path: Path, case: str) -> None:
    authority = TestAuthority.new(tmp_path)
    honest, trust = authority.server("localhost"), authority.trust()
    server, trusted = {
        "another name": (authority.server("op.test"), trust),
        "expired": (authority.server("localhost", expired=True), trust),
        "unknown authority": (honest, TestAuthority.new(tmp_path).trust()),
        "system authorities": (honest, None),
    }[case]
    with pytest.raises(ProviderError) as refused:
        await fetch_over_tls(server, trusted)
    assert refused.value.fault is Fault.PROVIDER_TLS


async def test_the_log_says_what_is_wrong_with_a_certificate(tmp_path: Path) -> None:
    authority = TestAuthority.new(tmp_path)
    with pytest.raises(ProviderError) as refused:
        await fetch_over_tls(authority.server("localhost", expired=True), authority.trust())
    assert refused.value.facts["why"] == "'certificate has expired'"


def old_protocol(context: ssl.SSLContext) -> ssl.SSLContext:
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


async def test_an_old_protocol_is_not_spoken(tmp_path: Path) -> None:
    authority = TestAuthority.new(tmp_path)
    with pytest.raises(ProviderError) as refused:
        await fetch_over_tls(old_protocol(authority.server("localhost")), authority.trust())
    # The two sides end the handshake in turn, and either may be first.
    assert refused.value.fault in {Fault.PROVIDER_TLS, Fault.PROVIDER_UNREACHABLE}
