"""Every form in which Redis is run, as the settings name it, with its credentials from files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters import open_records
from gateway.errors import StoreError
from gateway.sessions.store import SessionStore
from gateway.sessions.summary import Listed
from gateway.settings.load import load
from gateway.settings.model import Settings
from tests.support.certificates import TestAuthority
from tests.support.processes import LOOPBACK, free_port
from tests.support.redis_groups import PASSWORD, SENTINEL_PASSWORD, ClusterGroup, SentinelGroup
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.real

USER = "gateway"
RULES = ("on", f">{PASSWORD}", "~gateway:*", "&gateway:*", "+@all", "-@dangerous")
"""What config/gateway.toml says that the gateway's user needs."""


@dataclass(frozen=True)
class Form:
    """A store as the settings name it.

    Args:
        url: its address.
        secrets: further settings, each of which comes from a file with this content.
        files: further settings that are files.
    """

    url: str
    secrets: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def settings(self, folder: Path) -> Settings:
        """The settings, read from a file as the gateway reads them."""
        lines = {name: str(path) for name, path in self.files.items()}
        for name, secret in self.secrets.items():
            path = folder / name
            path.write_text(secret + "\n")
            lines[f"{name}_file"] = str(path)
        path = folder / "gateway.toml"
        path.write_text(
            f"""
            [gateway]
            public_url = "https://app.example"
            secret = "{"s" * 48}"
            [provider]
            profile = "proconnect"
            environment = "integration"
            client_id = "an-id"
            client_secret = "{"c" * 48}"
            [sessions]
            store = "{self.url}"
            {"".join(f'{name} = "{value}"' + chr(10) for name, value in lines.items())}
            [[apps]]
            upstream = "http://legacy:80"
            """
        )
        return load(path, {})


def one(request: pytest.FixtureRequest) -> Form:
    server: RedisServer = request.getfixturevalue("redis_server")
    return Form(f"redis://{LOOPBACK}:{server.port}/3")


def unix_socket(request: pytest.FixtureRequest) -> Form:
    server: RedisServer = request.getfixturevalue("redis_server")
    return Form(f"redis+unix://{server.unix_path}")


def user_and_password(request: pytest.FixtureRequest) -> Form:
    stack: AsyncExitStack = request.getfixturevalue("stack")
    server = stack.enter_context(RedisServer("--user", "default", "off", "--user", USER, *RULES))
    return Form(f"redis://{USER}@{LOOPBACK}:{server.port}/0", {"store_password": PASSWORD})


def tls(request: pytest.FixtureRequest) -> Form:
    stack: AsyncExitStack = request.getfixturevalue("stack")
    authority = TestAuthority.new(request.getfixturevalue("tmp_path"))
    port, pair, ours = free_port(), authority.pair(LOOPBACK), authority.pair("gateway")
    stack.enter_context(
        RedisServer(
            *(
                "--tls-port",
                str(port),
                "--requirepass",
                PASSWORD,
                "--tls-ca-cert-file",
                str(authority.file()),
            ),
            *("--tls-cert-file", str(pair), "--tls-key-file", str(pair)),
        )
    )
    files = {"store_ca_file": authority.file(), "store_cert_file": ours, "store_key_file": ours}
    return Form(f"rediss://{LOOPBACK}:{port}/0", {"store_password": PASSWORD}, files)


def sentinel(request: pytest.FixtureRequest) -> Form:
    group: SentinelGroup = request.getfixturevalue("sentinels")
    return Form(group.url, {"store_password": PASSWORD, "store_sentinel_password": SENTINEL_PASSWORD})


def cluster(request: pytest.FixtureRequest) -> Form:
    group: ClusterGroup = request.getfixturevalue("redis_cluster")
    return Form(group.url)


FORMS: list[Callable[[pytest.FixtureRequest], Form]] = [
    one,
    unix_socket,
    user_and_password,
    tls,
    sentinel,
    cluster,
]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture(params=FORMS, ids=lambda form: form.__name__)
def form(request: pytest.FixtureRequest) -> Form:
    made: Form = request.param(request)
    return made


@pytest.fixture
async def stores(form: Form, stack: AsyncExitStack, tmp_path: Path) -> list[SessionStore]:
    """The store, as two gateways hold it."""
    opened = [await open_records(form.settings(tmp_path)) for _ in range(2)]
    for each in opened:
        stack.push_async_callback(each.close)
    return opened


def listed(name: str) -> Listed:
    return Listed(summary=f"summary of {name}".encode(), indexes=(f"gateway:index:{name}",), at=0, kept=600)


async def test_it_is_a_whole_store_that_gateways_share(stores: list[SessionStore]) -> None:
    one, other = stores
    await one.ping()
    keys = [f"gateway:session:{{of {n}}}" for n in range(60)]  # over all the nodes of a Cluster
    await asyncio.gather(
        *(one.put(key, key.encode(), lifetime=600, listed=listed(str(n))) for n, key in enumerate(keys))
    )
    assert await asyncio.gather(*map(other.get, keys)) == [key.encode() for key in keys]
    assert {key async for key, _ in other.every()} == {*keys}
    assert [each async for each in other.find(["gateway:index:7", "gateway:index:8"])] == [
        (keys[7], b"summary of 7"),
        (keys[8], b"summary of 8"),
    ]
    assert await one.replace(keys[0], b"seen", lifetime=600, listed=listed("0"))
    assert await other.get(keys[0]) == b"seen"
    for over, written in ((b"other", False), (b"seen", True)):
        done = await other.replace(keys[0], b"newer", lifetime=600, listed=listed("0"), over=over)
        assert done is written
    assert await one.get(keys[0]) == b"newer"
    assert [await each.claim("gateway:state:a", lifetime=600) for each in stores] == [True, False]

    async with AsyncExitStack() as hearing:
        endings = [await hearing.enter_async_context(aclosing(each.endings())) for each in stores]
        assert [await anext(each) for each in endings] == [None, None]
        await asyncio.gather(*map(one.delete, keys))
        async with asyncio.timeout(1):
            for each in endings:
                assert {await anext(each) for _ in keys} == {*keys}
    assert await other.get(keys[0]) is None
    assert await other.replace(keys[0], b"late", lifetime=600, listed=listed("0")) is False
    assert [each async for each in other.find(["gateway:index:7"])] == []
    assert [key async for key, _ in one.every()] == []


@pytest.mark.parametrize(
    "form", [user_and_password, tls, sentinel], indirect=True, ids=lambda form: form.__name__
)
async def test_with_a_wrong_password_there_is_no_store_and_none_is_shown(
    form: Form, stack: AsyncExitStack, tmp_path: Path
) -> None:
    for name in form.secrets:
        wrong: dict[str, Any] = {**form.secrets, name: "a wrong password"}
        store = await open_records(Form(form.url, wrong, form.files).settings(tmp_path))
        stack.push_async_callback(store.close)
        with pytest.raises(StoreError) as failed:
            await store.ping()
        assert "a wrong password" not in str(failed.value)
        assert PASSWORD not in str(failed.value)
