"""The command line as an administrator meets it; what `check` and `explain` say has its own files."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.settings.load import load
from tests.support.gateway import Wanted
from tests.support.oidc_engine import CLIENTS
from tests.support.processes import LOOPBACK, Program, free_port

COMMANDS = (
    (),
    ("run",),
    ("check",),
    ("explain",),
    ("report",),
    ("demo",),
    ("secret",),
    ("secret", "new"),
    ("sessions",),
    ("sessions", "list"),
    ("sessions", "revoke"),
)
KEY_COMMANDS = (("key",), ("key", "new"), ("key", "published"))
NARROW = 80
FAULTY = """
[gateway]
public_url = "http://demarches.example.gouv.fr"
listen = "127.0.0.1:{port}"
lissen = "127.0.0.1:1"
[provider]
profile = "proconnect"
client_id = "a"
client_secret_file = "/nowhere/at/all"
[[apps]]
upstream = "legacy"
"""


def invoke(*arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=text)


def settings_file(
    folder: Path, *, front: str = "127.0.0.1:0", observe: str = "127.0.0.1:0", store: str = "memory:"
) -> Path:
    wanted = Wanted(
        issuer="http://localhost:1/api/v2",
        client=CLIENTS["RS256"],
        upstream="http://127.0.0.1:1",
        store=store,
    )
    path = folder / "gateway.toml"
    path.write_text(wanted.toml(url="http://localhost:8080", front=front, observe=observe), "utf-8")
    return path


@pytest.mark.parametrize("command", [*COMMANDS, *KEY_COMMANDS], ids=" ".join)
def test_help_is_whole_and_fits_a_narrow_terminal(command: tuple[str, ...]) -> None:
    result = CliRunner(env={"COLUMNS": str(NARROW)}).invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    assert all(len(line) <= NARROW for line in result.output.splitlines())
    assert "..." not in result.output.replace("]...", "")


def test_a_gateway_does_not_run_on_the_lenient_parser(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "run", "--config", str(settings_file(tmp_path))],
        env={**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 1
    assert b"parser in C is missing" in ran.stderr + ran.stdout


def test_without_a_command_the_commands_are_shown() -> None:
    assert all(f"\n  {command} " in invoke().output for command in ("check", "demo", "explain", "run"))


def test_the_version_is_the_distributions() -> None:
    assert invoke("--version").output.startswith("proconnect-gateway ")


def test_new_secrets_are_such_as_the_settings_accept(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(invoke("secret", "new").output + invoke("secret", "new").output)
    path = settings_file(tmp_path)
    path.write_text(re.sub("^secret = .*", f'secret_file = "{keys}"', path.read_text(), flags=re.MULTILINE))
    secrets = [secret.reveal() for secret in load(path, {}).gateway.secret]
    assert secrets == keys.read_text().split()
    assert len(set(secrets)) == 2


def test_settings_with_faults_start_nothing_and_each_is_named(tmp_path: Path) -> None:
    port = free_port()
    path = tmp_path / "gateway.toml"
    path.write_text(FAULTY.format(port=port))
    with Program([sys.executable, "-m", "gateway", "run", "--config", str(path)]) as program:
        assert program.wait() == 1
    assert program.stdout == []
    first, *faults = program.stderr
    assert first == "5 faults in the settings"
    assert {fault.split(": ")[0].strip() for fault in faults} == {
        "gateway.public_url",
        "gateway.lissen",
        "provider.environment",
        "provider.client_secret_file",
        "apps[0].upstream",
    }
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port), timeout=1)


@pytest.mark.parametrize("setting", ["front", "observe"])
def test_a_taken_port_is_said_in_one_line(tmp_path: Path, setting: str) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        address = f"{LOOPBACK}:{taken.getsockname()[1]}"
        path = settings_file(tmp_path, **{setting: address})
        result = invoke("run", "--config", str(path))
    assert result.exit_code == 1
    assert result.stderr == (
        f"cannot listen on {address}: Address already in use; "
        "end what listens there, or change gateway.listen or observe.listen\n"
    )


@pytest.mark.parametrize("setting", ["front", "observe"])
def test_an_address_of_another_machine_is_said_in_one_line(tmp_path: Path, setting: str) -> None:
    elsewhere = "192.0.2.1:8080"  # RFC 5737: nobody's
    result = invoke("run", "--config", str(settings_file(tmp_path, **{setting: elsewhere})))
    assert result.exit_code == 1
    assert result.stderr.startswith(
        f"cannot listen on {elsewhere}: Cannot assign requested address; this machine has no such address"
    )


@pytest.mark.parametrize(
    "content, cause", [(None, "No such file or directory"), (b"no database" * 99, "file is not a database")]
)
def test_a_file_of_sessions_that_cannot_be_used_is_said_in_one_line(
    tmp_path: Path, content: bytes | None, cause: str
) -> None:
    store = tmp_path / "sessions" / "sessions.db"
    if content is not None:
        store.parent.mkdir()
        store.write_bytes(content)
    path = settings_file(tmp_path, store=f"sqlite://{store}")
    with Program([sys.executable, "-m", "gateway", "run", "--config", str(path)]) as program:
        assert program.wait() == 1
    assert program.stdout == []
    (said,) = program.stderr
    assert said.startswith("the session store cannot be used: ")
    assert cause in said
    assert "its folder must be there" in said


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "no such file; name it with --config"),
        (b"[gateway\n", "(at line 1, column 9); look there"),
        (b'[gateway]\npublic_url = "\xff"', "is not UTF-8; save it as UTF-8"),
    ],
    ids=["absent", "not TOML", "not UTF-8"],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_settings_file_that_cannot_be_read_is_named(
    tmp_path: Path, command: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / "gateway.toml"
    if content is not None:
        path.write_bytes(content)
    result = invoke(command, "--config", str(path))
    assert result.exit_code == 1
    assert str(path) in result.output
    # `run` says it in one line, `check` what to do on a line of its own.
    assert said in result.output.replace("\n       ", "; ")


def test_a_new_key_is_one_that_the_settings_take(tmp_path: Path) -> None:
    made = invoke("key", "new")
    assert made.output != invoke("key", "new").output
    keys = tmp_path / "client-key.pem"
    keys.write_text(made.output)
    path = settings_file(tmp_path)
    text = path.read_text().replace('profile = "proconnect"', 'profile = "oidc"')
    text = text.replace('environment = "integration"', 'token_endpoint_auth_method = "private_key_jwt"')
    path.write_text(re.sub("client_secret = .*", f'client_key_file = "{keys}"', text))
    published = json.loads(invoke("key", "published", "--config", str(path)).output)
    (key,) = published["keys"]
    assert (key["kty"], key["crv"], key["use"], "d" in key) == ("EC", "P-256", "sig", False)


def test_a_provider_without_keys_of_its_own_has_none_published(tmp_path: Path) -> None:
    path = str(settings_file(tmp_path))
    assert json.loads(invoke("key", "published", "--config", path).output) == {"keys": []}
    unknown = invoke("key", "published", "--provider", "rh", "--config", path)
    assert unknown.exit_code == 2
    assert "no such provider" in unknown.stderr


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    result = invoke("check", "--config", str(tmp_path))
    assert result.exit_code == 2
    assert "is a directory" in result.stderr


def test_the_environment_names_the_settings_file(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.toml"
    result = CliRunner(env={"GATEWAY_CONFIG": str(path)}).invoke(main, ["run"])
    assert str(path) in result.stderr
