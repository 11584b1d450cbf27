"""`proconnect-gateway check`, against parts that answer, that are away, and that are wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.oidc.answer import Answer
from tests.support import honest
from tests.support.gateway import Wanted
from tests.support.oidc_engine import CLIENTS, OIDCEngine
from tests.support.processes import free_port
from tests.support.redis_server import RedisServer
from tests.support.scripted_provider import ScriptedProvider
from tests.support.serving import served

NOBODY = "http://127.0.0.1:{port}"
URL = "http://localhost:8080"


@dataclass(frozen=True, slots=True)
class Around:
    """What the settings name, all of it running."""

    provider: ScriptedProvider
    wanted: Wanted


@pytest.fixture
async def around() -> AsyncIterator[Around]:
    async with ScriptedProvider() as provider, served(web.Application()) as upstream:
        wanted = Wanted(issuer=provider.issuer, client=CLIENTS["RS256"], upstream=upstream)
        yield Around(provider, wanted)


def write(folder: Path, wanted: Wanted) -> Path:
    path = folder / "gateway.toml"
    path.write_text(wanted.toml(url=URL, front="127.0.0.1:0", observe="127.0.0.1:0"), "utf-8")
    return path


async def checked(path: Path) -> Result:
    """The command's result; it runs in a thread, for the parts around it run in this one."""
    result = await asyncio.to_thread(CliRunner().invoke, main, ["check", "--config", str(path)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def faults(result: Result) -> dict[str, str]:
    """What is at fault, and the line of remedy beneath it."""
    lines = result.output.splitlines()
    return {
        line.removeprefix("fault").strip().split(": ")[0]: lines[number + 1].strip()
        for number, line in enumerate(lines)
        if line.startswith("fault")
    }


async def test_with_everything_right_it_says_what_to_register(tmp_path: Path, around: Around) -> None:
    result = await checked(write(tmp_path, around.wanted))
    assert result.exit_code == 0
    assert faults(result) == {}
    assert "ok     settings: 1 app, 1 provider\n" in result.output
    assert f"ok     provider default: metadata and keys of {around.provider.issuer}\n" in result.output
    assert "ok     clock of provider default: the same as ours\n" in result.output
    assert "ok     store in memory: a record was written, read and deleted\n" in result.output
    assert f"ok     upstream of app: {around.wanted.upstream} takes connections\n" in result.output
    assert result.output.endswith(
        f"To register at provider default, for client {around.wanted.client.client_id}:\n"
        f"  redirect URI              {URL}/_gateway/callback\n"
        f"  post-logout redirect URI  {URL}/_gateway/signed-out\n"
    )


async def test_a_client_with_keys_registers_where_they_are(tmp_path: Path, around: Around) -> None:
    pem = honest.EC.as_pem(private=True).decode()
    keys = f"token_endpoint_auth_method = 'private_key_jwt'\nclient_key = '''{pem}'''"
    result = await checked(write(tmp_path, replace(around.wanted, profile="oidc", provider=keys)))
    assert (result.exit_code, faults(result)) == (0, {})
    assert f"  JWKS URI                  {URL}/_gateway/client-keys\n" in result.output


async def test_what_is_dangerous_is_noted_and_no_fault(tmp_path: Path, around: Around) -> None:
    result = await checked(write(tmp_path, around.wanted))
    assert "note   provider.danger_http_issuer: is on\n       for tests only" in result.output


@pytest.mark.real
@pytest.mark.parametrize("alg", CLIENTS)
async def test_the_real_engine_and_redis_are_found_right(
    tmp_path: Path, around: Around, oidc_engine: OIDCEngine, redis_server: RedisServer, alg: str
) -> None:
    wanted = replace(around.wanted, issuer=oidc_engine.issuer, client=CLIENTS[alg], store=redis_server.url)
    result = await checked(write(tmp_path, wanted))
    assert (result.exit_code, faults(result)) == (0, {})


@pytest.mark.parametrize("issuer", ["http://wrong.example/api/v2", "https://127.0.0.1:1/api/v2"])
async def test_faults_of_the_settings_and_a_wrong_issuer_come_out_together(
    tmp_path: Path, around: Around, issuer: str
) -> None:
    path = write(tmp_path, replace(around.wanted, issuer=issuer, provider='colour = "blue"'))
    text = path.read_text().replace("danger_http_issuer = true\n", "")
    text = text.replace(
        f'client_secret = "{around.wanted.client.client_secret}"', 'client_secret_file = "/gone"'
    )
    path.write_text(f'{text}\n[[apps]]\nname = "again"\nhost = "localhost"\nupstream = "http://legacy"\n')
    result = await checked(path)
    assert result.exit_code == 1
    found = faults(result)
    assert found["provider.client_secret_file"].startswith("check the path")
    assert found["provider.colour"] == "remove it"
    assert found["apps[1].host"] == "give each its own"
    assert "provider.issuer" in found or found["provider default"].startswith("check issuer")
    assert len(found) == 4
    assert result.output.endswith("\n4 faults\n")


def away(around: Around) -> Wanted:
    return replace(around.wanted, issuer=f"{NOBODY}/api/v2".format(port=free_port()))


def without_redis(around: Around) -> Wanted:
    return replace(around.wanted, store=f"redis://127.0.0.1:{free_port()}/0")


def without_folder(around: Around) -> Wanted:
    return replace(around.wanted, store="sqlite:///nowhere/at/all/sessions.db")


def without_upstream(around: Around) -> Wanted:
    return replace(around.wanted, upstream=NOBODY.format(port=free_port()))


def without_socket(around: Around) -> Wanted:
    return replace(around.wanted, upstream="unix:/nowhere/at/all.sock")


@pytest.mark.parametrize(
    "change, what, remedy",
    [
        (away, "provider default", "check issuer, the network and the firewall"),
        (without_redis, "store redis", "check sessions.store"),
        (without_folder, "store sqlite", "check sessions.store: its folder must be there"),
        (without_upstream, "upstream of app", "check that the application runs"),
        (without_socket, "upstream of app", "check that the application runs"),
    ],
    ids=lambda case: case.__name__ if callable(case) else "",
)
async def test_whatever_is_away_is_a_fault_with_its_remedy(
    tmp_path: Path, around: Around, change: Callable[[Around], Wanted], what: str, remedy: str
) -> None:
    result = await checked(write(tmp_path, change(around)))
    assert result.exit_code == 1
    ((found, told),) = faults(result).items()
    assert found.startswith(what)
    assert told.startswith(remedy)
    assert result.output.endswith("\n1 fault\n")


@pytest.mark.parametrize(
    "issuer, why",
    [
        ("https://nobody.invalid", "no address for this name (DNS)"),  # RFC 6761 section 6.4
        ("https://127.0.0.1:1", "Connection refused"),
    ],
)
async def test_why_a_provider_cannot_be_reached_is_said_in_words(
    tmp_path: Path, around: Around, issuer: str, why: str
) -> None:
    result = await checked(write(tmp_path, replace(around.wanted, issuer=issuer)))
    assert result.exit_code == 1
    assert f"why {why})" in result.output.replace("'", "")


def document(**changes: object) -> Callable[[ScriptedProvider], Answer]:
    return lambda provider: honest.answer(honest.metadata_document(**{"issuer": provider.issuer, **changes}))


@pytest.mark.parametrize(
    "says, said, remedy",
    [
        (document(issuer="https://other.example"), "calls itself by another name", "issuer must be the very"),
        (
            document(token_endpoint="https://evil.example/t"),
            "names an endpoint",
            "with profile oidc, endpoint_origins",
        ),
        (document(id_token_signing_alg_values_supported=["ES256"]), "does not offer", "compare algorithms"),
        (
            lambda _: Answer(status=200, content_type="text/html", body=b"<p>"),
            "no usable",
            "check that issuer",
        ),
        (
            lambda _: Answer(status=301, content_type="text/html", body=b""),
            "another address",
            "issuer must be",
        ),
    ],
    ids=["another issuer", "an endpoint elsewhere", "another algorithm", "a page", "a redirect"],
)
async def test_a_provider_that_is_not_the_registered_one_is_a_fault_with_its_remedy(
    tmp_path: Path, around: Around, says: Callable[[ScriptedProvider], Answer], said: str, remedy: str
) -> None:
    around.provider.says["metadata"] = says(around.provider)
    result = await checked(write(tmp_path, around.wanted))
    assert result.exit_code == 1
    assert said in result.output
    assert faults(result)["provider default"].startswith(remedy)


async def test_keys_that_cannot_be_used_are_a_fault(tmp_path: Path, around: Around) -> None:
    around.provider.says["jwks"] = honest.answer({"keys": []})
    result = await checked(write(tmp_path, around.wanted))
    assert "publishes no usable keys" in result.output


def at(provider: ScriptedProvider, *, ahead: int) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The honest metadata, from a machine whose clock is wrong."""

    async def answer(_: web.Request) -> web.Response:
        honest_answer = honest.answer(honest.metadata_document(issuer=provider.issuer))
        return web.Response(
            body=honest_answer.body,
            headers={
                "Content-Type": honest_answer.content_type,
                "Date": formatdate(time.time() + ahead, usegmt=True),
            },
        )

    return answer


@pytest.mark.parametrize("ahead, status", [(-3600, 1), (120, 1), (20, 0), (-20, 0)])
async def test_a_clock_is_compared_with_the_providers(
    tmp_path: Path, around: Around, ahead: int, status: int
) -> None:
    around.provider.says["metadata"] = at(around.provider, ahead=ahead)
    result = await checked(write(tmp_path, around.wanted))
    assert result.exit_code == status
    line, remedy = result.output.partition("clock of provider default: ")[2].splitlines()[:2]
    assert line.endswith("ahead of ours" if ahead > 0 else "behind ours")
    assert remedy.strip() == "set this machine's clock (NTP); clock_skew lets them be 30 s apart"


async def test_two_apps_of_one_client_are_registered_together(tmp_path: Path, around: Around) -> None:
    path = write(tmp_path, around.wanted)
    with path.open("a") as file:
        file.write(f'[[apps]]\nhost = "other.localhost"\nupstream = "{around.wanted.upstream}"\n')
    result = await checked(path)
    assert result.output.count("To register at") == 1
    assert "  redirect URI              http://other.localhost:8080/_gateway/callback\n" in result.output
