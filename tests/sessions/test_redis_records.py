from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis import Redis

from gateway.errors import Fault, StoreError
from gateway.secret import Secret
from gateway.sessions.redis_client import Credentials
from gateway.sessions.redis_records import RedisRecords
from tests.support.processes import LOOPBACK, free_port
from tests.support.redis_server import RedisServer
from tests.support.relay import Relay

LIMIT = 5.0  # seconds; no test that passes waits for it


@contextlib.asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[RedisRecords]:
    records = RedisRecords.open(url, **{"limit": LIMIT, **options})
    yield records
    await records.close()


async def back(records: RedisRecords) -> None:
    """Returns once the store is well again, as it has to be within two seconds."""
    async with asyncio.timeout(2):
        while True:
            with contextlib.suppress(StoreError):
                return await records.ping()
            await asyncio.sleep(0.01)


@pytest.mark.real
async def test_a_call_that_is_cancelled_never_gives_its_answer_to_another(redis_server: RedisServer) -> None:
    """Half of the calls are cancelled at random points, with few connections and answers that come late."""
    random = Random("cancelled")  # noqa: S311 - the same moments in each run
    loop = asyncio.get_running_loop()
    async with (
        Relay(redis_server.port, delay=(0, 0.005)) as relay,
        opened(f"redis://{LOOPBACK}:{relay.port}/0", connections=8) as records,
    ):
        for n in range(40):
            await records.put(f"key {n}", f"record {n}".encode(), lifetime=600)

        async def ask(n: int) -> bool:
            if random.random() < 0.2:
                await records.replace(f"key {n}", f"record {n}".encode(), lifetime=600)
            return await records.get(f"key {n}") == f"record {n}".encode()

        answers: list[bool | BaseException] = []
        for _ in range(50):
            tasks = [asyncio.create_task(ask(random.randrange(40))) for _ in range(40)]
            for task in tasks[::2]:
                loop.call_later(random.uniform(0, 0.04), task.cancel)
            answers += await asyncio.gather(*tasks, return_exceptions=True)

        assert answers.count(True) >= 1_000
        assert {type(answer) for answer in answers if answer is not True} == {asyncio.CancelledError}
        assert all(await asyncio.gather(*map(ask, range(40))))  # no connection was lost on the way
        assert relay.connections > 8  # those of cancelled calls were closed, not used again


@pytest.mark.real
async def test_calls_wait_for_one_of_the_connections(redis_server: RedisServer) -> None:
    async with opened(redis_server.url, connections=3) as records:
        await asyncio.gather(*(records.put(f"key {n}", b"", lifetime=600) for n in range(200)))
        with Redis(port=redis_server.port) as redis:
            ours = [client for client in redis.client_list() if client["cmd"] == "set"]

    assert len(ours) == 3


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


CALLS = [
    lambda records: records.get("key"),
    lambda records: records.put("key", b"record", lifetime=600),
    lambda records: records.replace("key", b"record", lifetime=600),
    lambda records: records.delete("key"),
    lambda records: records.claim("key", lifetime=600),
    lambda records: records.ping(),
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_server_that_says_nothing_is_not_waited_for_longer_than_the_limit(call: Any) -> None:
    server = await asyncio.start_server(_silent, LOOPBACK, 0)
    async with (
        server,
        opened(f"redis://{LOOPBACK}:{server.sockets[0].getsockname()[1]}", limit=0.05) as records,
    ):
        with pytest.raises(StoreError) as failed:
            await call(records)

    assert failed.value.fault is Fault.STORE_UNREACHABLE
    assert failed.value.facts["cause"] == "no answer within 0.05 seconds"


async def test_waiting_for_a_connection_counts_into_the_limit() -> None:
    server = await asyncio.start_server(_silent, LOOPBACK, 0)
    url = f"redis://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    async with server, opened(url, limit=0.1, connections=1) as records:
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(records.get(f"key {n}") for n in range(100)), return_exceptions=True)
        took = asyncio.get_running_loop().time() - began

    assert {type(answer) for answer in answers} == {StoreError}
    assert took < 2.0  # a hundred limits one after the other would be ten seconds


@pytest.mark.parametrize("call", CALLS)
async def test_a_server_that_is_away_is_said_at_once(call: Any) -> None:
    async with opened(f"redis://{LOOPBACK}:{free_port()}") as records:
        with pytest.raises(StoreError) as failed:
            await call(records)

    assert "Connect call failed" in str(failed.value.facts["cause"])


@pytest.mark.real
async def test_a_server_that_was_away_is_used_again_when_it_is_back(redis_server: RedisServer) -> None:
    async with opened(redis_server.url) as records:
        await records.put("key", b"record", lifetime=600)
        redis_server.stop()
        with pytest.raises(StoreError):
            await records.get("key")
        redis_server.start()

        await back(records)
        await records.put("key", b"again", lifetime=600)
        assert await records.get("key") == b"again"


@pytest.mark.real
async def test_connections_that_the_server_closed_meanwhile_cost_no_answer(redis_server: RedisServer) -> None:
    async with opened(redis_server.url) as records:
        await asyncio.gather(*(records.put(f"key {n}", b"", lifetime=600) for n in range(10)))
        redis_server.stop()
        redis_server.start()

        await asyncio.gather(*(records.ping() for _ in range(10)))


@pytest.mark.real
async def test_a_paused_server_is_used_again_when_it_goes_on(redis_server: RedisServer) -> None:
    async with opened(redis_server.url, limit=0.2) as records:
        await records.put("key", b"record", lifetime=600)
        redis_server.pause()
        with pytest.raises(StoreError):
            await records.get("key")
        redis_server.resume()

        await back(records)
        assert await records.get("key") == b"record"


@pytest.mark.real
async def test_while_a_server_is_known_to_be_away_nobody_waits_for_it(redis_server: RedisServer) -> None:
    said: list[StoreError | None] = []
    async with opened(redis_server.url, limit=0.5, told=said.append) as records:
        await records.put("key", b"record", lifetime=600)
        redis_server.pause()
        first = asyncio.create_task(records.get("key"))
        await asyncio.sleep(0.25)
        late = [asyncio.create_task(records.get("key")) for _ in range(100)]
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(first, *late, return_exceptions=True)
        answers += await asyncio.gather(*(records.get("key") for _ in range(100)), return_exceptions=True)
        took = asyncio.get_running_loop().time() - began
        redis_server.resume()
        await back(records)

    assert {type(answer) for answer in answers} == {StoreError}
    assert took < 0.45  # those who came late did not wait for a time of their own
    assert [type(each) for each in said] == [StoreError, type(None)]


@pytest.mark.real
@pytest.mark.parametrize(
    "settings, cause",
    [
        ({"maxmemory": "1", "maxmemory-policy": "noeviction"}, "OutOfMemoryError"),
        ({"min-replicas-to-write": "1"}, "ResponseError"),
    ],
)
async def test_a_server_that_takes_no_writes_is_not_well_and_still_read(
    redis_server: RedisServer, settings: dict[str, str], cause: str
) -> None:
    async with opened(redis_server.url) as records:
        await records.put("key", b"record", lifetime=600)
        with Redis(port=redis_server.port, decode_responses=True) as redis:
            before = {name: redis.config_get(name)[name] for name in settings}
            for name, value in settings.items():
                redis.config_set(name, value)
            try:
                for call in (records.ping(), records.replace("key", b"other", lifetime=600)):
                    with pytest.raises(StoreError) as failed:
                        await call
                    assert failed.value.facts["cause"] == cause
                assert await records.get("key") == b"record"
            finally:
                for name, value in before.items():
                    redis.config_set(name, value)


@pytest.mark.real
async def test_a_read_only_replica_is_not_well_and_still_read(redis_server: RedisServer) -> None:
    async with opened(redis_server.url) as records:
        await records.put("key", b"record", lifetime=600)
        with Redis(port=redis_server.port) as redis:
            redis.replicaof(LOOPBACK, str(free_port()))
            try:
                with pytest.raises(StoreError) as failed:
                    await records.ping()
                assert failed.value.facts["cause"] == "ReadOnlyError"
                assert await records.get("key") == b"record"
            finally:
                redis.replicaof("NO", "ONE")


@pytest.mark.real
async def test_a_value_of_another_kind_at_a_key_is_no_answer(redis_server: RedisServer) -> None:
    with Redis(port=redis_server.port) as redis:
        redis.hset("key", "a", "b")
    async with opened(redis_server.url) as records:
        with pytest.raises(StoreError) as failed:
            await records.get("key")

    assert failed.value.facts["cause"] == "ResponseError"


@pytest.fixture(scope="module")
def guarded() -> Iterator[RedisServer]:
    users = [
        "--user",
        "default",
        "off",
        "--user",
        "gateway",
        "on",
        ">right-password",
        "~gateway:*",
        "&gateway:*",
        "+@all",
    ]
    with RedisServer(*users) as server:
        yield server


@pytest.mark.real
async def test_a_user_and_a_password_open_the_store(guarded: RedisServer) -> None:
    url = f"redis://gateway@{LOOPBACK}:{guarded.port}/0"
    async with opened(url, credentials=Credentials(password=Secret("right-password"))) as records:
        await records.ping()
        await records.put("gateway:session:a", b"record", lifetime=600)

        assert await records.get("gateway:session:a") == b"record"


@pytest.mark.real
@pytest.mark.parametrize("password", [None, Secret("wrong-password")])
async def test_a_wrong_password_is_no_answer_and_is_not_shown(
    guarded: RedisServer, password: Secret | None
) -> None:
    credentials = Credentials(password=password)
    async with opened(f"redis://gateway@{LOOPBACK}:{guarded.port}/0", credentials=credentials) as records:
        with pytest.raises(StoreError) as failed:
            await records.ping()

    assert "wrong-password" not in str(failed.value)


@pytest.mark.real
async def test_a_unix_socket_works_as_well(redis_server: RedisServer) -> None:
    async with opened(f"unix://{redis_server.unix_path}?db=3") as records:
        await records.put("key", b"record", lifetime=600)
        with Redis(port=redis_server.port, db=3) as redis:
            assert redis.get("key") == b"record"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis",
        "http://redis:6379/0",
        "redis://:secret@redis:port/0",
        "redis://:sec/ret@redis:6379/0",
        "redis://redis:6379/secret",
        "redis://redis:6379/0/1",
        "redis://redis:6379/0?db=secret",
        "redis://redis:6379/0?decode_responses=secret",
        "rediss://redis:6379/0?ssl_cert_reqs=secret",
        "redis://[::1/secret",
        "unix://",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as refused:
        RedisRecords.open(url)

    assert "sec" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_records_show_no_password() -> None:
    credentials = Credentials(password=Secret("right-password"))
    records = RedisRecords.open("redis://redis", credentials=credentials)

    assert "right-password" not in repr(records) + repr(credentials)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of this run, and the files it made."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def issue(self, name: str, *, address: str | None = None) -> None:
        """Writes NAME.crt and NAME.key; the one called `ca` is the authority itself."""
        now = dt.datetime.now(dt.UTC)
        key = self.key if name == "ca" else ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
        )
        if address is not None:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        self.certificate(name).write_bytes(certificate.public_bytes(pem))
        self.private_key(name).write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def private_key(self, name: str) -> Path:
        return self.folder / f"{name}.key"


@dataclass(frozen=True)
class TLSServer:
    """A redis-server that speaks TLS and asks for a certificate."""

    port: int
    authority: Authority
    other: Authority

    def credentials(self, *, trusted: Authority | None = None, client: bool = True) -> Credentials:
        return Credentials(
            ca_file=(trusted or self.authority).certificate("ca"),
            cert_file=self.authority.certificate("client") if client else None,
            key_file=self.authority.private_key("client") if client else None,
        )


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TLSServer]:
    authority, other = (Authority(tmp_path_factory.mktemp("ca")) for _ in range(2))
    other.issue("ca")
    authority.issue("ca")
    authority.issue("server", address=LOOPBACK)
    authority.issue("client")
    port = free_port()
    arguments = {
        "--tls-port": str(port),
        "--tls-ca-cert-file": str(authority.certificate("ca")),
        "--tls-cert-file": str(authority.certificate("server")),
        "--tls-key-file": str(authority.private_key("server")),
    }
    with RedisServer(*(part for pair in arguments.items() for part in pair)):
        yield TLSServer(port, authority, other)


@pytest.mark.real
async def test_tls_with_a_certificate_of_our_own_opens_the_store(tls_server: TLSServer) -> None:
    url = f"rediss://{LOOPBACK}:{tls_server.port}/0"
    async with opened(url, credentials=tls_server.credentials()) as records:
        await records.put("key", b"record", lifetime=600)

        assert await records.get("key") == b"record"


@pytest.mark.real
async def test_tls_with_another_authority_or_name_or_without_our_certificate_is_no_answer(
    tls_server: TLSServer,
) -> None:
    refused = [
        (LOOPBACK, tls_server.credentials(trusted=tls_server.other)),
        (LOOPBACK, Credentials()),
        (LOOPBACK, tls_server.credentials(client=False)),
        ("localhost", tls_server.credentials()),
    ]
    for host, credentials in refused:
        async with opened(f"rediss://{host}:{tls_server.port}/0", credentials=credentials) as records:
            with pytest.raises(StoreError):
                await records.ping()
