"""`proconnect-gateway sessions` as an administrator meets it."""

from __future__ import annotations

import asyncio
import getpass
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from gateway.cli import main
from gateway.secret import Secret
from gateway.sessions.cookie import SessionCookie
from gateway.sessions.session import SignedIn
from gateway.sessions.sqlite_records import SqliteRecords
from tests.support.gateway import GATEWAY_SECRET, Wanted
from tests.support.in_store import ALICE, BOB, SEEN, SIRET, Gateway, at
from tests.support.oidc_engine import CLIENTS
from tests.support.processes import free_port
from tests.support.stores import RealRedis

NOW = int(time.time())
HOST = "localhost"
HERE: dict[str, Any] = {"host": HOST, "signed_in_at": NOW - 600, "last_seen": NOW - 60}
A, B = replace(ALICE, **HERE), replace(BOB, **{**HERE, "last_seen": NOW - 5})
SECRET = Secret(GATEWAY_SECRET)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return settings_file(tmp_path, f"sqlite://{tmp_path}/sessions.db")


def settings_file(folder: Path, store: str) -> Path:
    wanted = Wanted(
        issuer="http://localhost:1/api/v2",
        client=CLIENTS["RS256"],
        upstream="http://127.0.0.1:1",
        store=store,
    )
    path = folder / "gateway.toml"
    path.write_text(wanted.toml(url=f"http://{HOST}:8080", front="127.0.0.1:0", observe="127.0.0.1:0"))
    return path


def in_store(settings: Path, work: Callable[[Gateway], Awaitable[Any]], secret: Secret = SECRET) -> Any:
    """Let a gateway with this store do something."""

    async def opened() -> Any:
        store = await SqliteRecords.open(settings.parent / "sessions.db", clock=lambda: int(time.time()))
        try:
            return await work(at(store, secret))
        finally:
            await store.close()

    return asyncio.run(opened())


def signed_in(settings: Path, *people: SignedIn, secret: Secret = SECRET) -> list[SessionCookie]:
    async def write(gateway: Gateway) -> list[SessionCookie]:
        return [await gateway.write(person) for person in people]

    cookies: list[SessionCookie] = in_store(settings, write, secret)
    return cookies


def left(settings: Path) -> set[str]:
    keys: set[str] = in_store(settings, lambda gateway: gateway.every())
    return keys


def invoke(settings: Path, *arguments: str, columns: int = 80, text: str | None = None) -> Result:
    runner = CliRunner(env={"COLUMNS": str(columns), "SUDO_USER": None})
    result = runner.invoke(main, ["sessions", *arguments, "--config", str(settings)], input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def ended(result: Result) -> list[dict[str, Any]]:
    """The audit events on standard error."""
    return [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]


# list


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_the_table_fits_the_terminal_and_says_who_is_there(settings: Path, columns: int) -> None:
    cookies = signed_in(settings, A, B)
    result = invoke(settings, "list", columns=columns)
    assert (result.exit_code, result.stderr) == (0, "")
    assert max(cell_len(line.rstrip()) for line in result.stdout.splitlines()) <= columns
    text = "".join(result.stdout.split())
    for said in ("AliceÉlan-Œuvré", *(cookie.session_id for cookie in cookies), "bob@example.fr", SIRET):
        assert said in text
    for said in ("app", "eidas1", "2001:db8::17", "Firefox140,Linux"):
        assert said in text
    assert result.stdout.endswith("\n2 sessions\n")


def test_on_a_wide_terminal_each_session_is_a_line_and_the_last_seen_is_first(settings: Path) -> None:
    signed_in(settings, A, B)
    lines = [line for line in invoke(settings, "list", columns=200).stdout.splitlines() if SIRET in line]
    assert ["bob@example.fr" in line for line in lines] == [True, False]
    assert "Alice Élan-Œuvré" in lines[1]
    assert "Préfecture du Morbihan" in lines[1]


def test_as_json_each_line_has_all_that_is_known(settings: Path) -> None:
    (cookie,) = signed_in(settings, A)
    result = invoke(settings, "list", "--json")
    assert rows(result) == [
        {
            "id": cookie.session_id,
            "name": "Alice Élan-Œuvré",
            "email": "Alice.Élan@Example.gouv.fr",
            "sub": "sub-of-alice",
            "siret": SIRET,
            "organisation": "Préfecture du Morbihan",
            "app": "app",
            "host": HOST,
            "provider": "default",
            "acr": "eidas1",
            "signed_in_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - 600)),
            "last_seen": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - 60)),
            "address": SEEN.address,
            "user_agent": SEEN.user_agent,
        }
    ]
    assert result.stderr == ""


def test_nobody_is_a_list_too(settings: Path) -> None:
    assert signed_in(settings) == []
    assert invoke(settings, "list").stdout == "0 sessions\n"
    assert invoke(settings, "list", "--json").stdout == ""


def test_what_browsers_and_providers_say_moves_no_terminal(settings: Path) -> None:
    claims = {**A.claims, "given_name": "\x1b[2J\x07[red]\u202e", "organization_label": "a\nb\u0085\u2028"}
    signed_in(settings, replace(A, claims=claims))
    for arguments in (("list",), ("list", "--json")):
        text = invoke(settings, *arguments, columns=200).stdout
        assert all(character.isprintable() for line in text.split("\n") for character in line)
    assert r"\x1b[2J\x07[red]\u202e" in invoke(settings, "list", columns=200).stdout


@pytest.mark.parametrize(
    "limit, shown, more",
    [((), 100, True), (("--limit", "3"), 3, True), (("--limit", "0"), 120, False), (("--json",), 120, False)],
    ids=str,
)
def test_a_table_stops_at_its_limit_and_says_so(
    settings: Path, limit: tuple[str, ...], shown: int, *, more: bool
) -> None:
    signed_in(settings, *[B] * 120)
    result = invoke(settings, "list", *limit, columns=200)
    assert (result.exit_code, result.stdout.count("bob@example.fr")) == (0, shown)
    assert ("--limit 0 shows all" in result.stderr) is more


def test_more_than_one_page_of_a_table_comes_out(settings: Path) -> None:
    signed_in(settings, *[B] * 401)
    result = invoke(settings, "list", "--limit", "0", columns=200)
    assert result.stdout.count("bob@example.fr") == 401
    assert result.stdout.endswith("\n401 sessions\n")


@pytest.mark.parametrize(
    "chosen, found",
    [
        (("--sub", "sub-of-alice"), ["sub-of-alice"]),
        (("--email", "BOB@example.fr"), ["sub-of-bob"]),
        (("--siret", "130 025 265 00013"), ["sub-of-alice", "sub-of-bob"]),
        (("--email", "nobody@example.fr"), []),
        (("--all",), ["sub-of-alice", "sub-of-bob"]),
    ],
    ids=str,
)
def test_a_list_can_be_of_some(settings: Path, chosen: tuple[str, ...], found: list[str]) -> None:
    signed_in(settings, A, B)
    result = invoke(settings, "list", "--json", *chosen)
    assert sorted(row["sub"] for row in rows(result)) == found


def test_sessions_of_a_secret_that_went_are_counted_and_nothing_more(settings: Path) -> None:
    signed_in(settings, A, secret=Secret("x" * 43))
    result = invoke(settings, "list")
    assert result.stdout == "0 sessions\n"
    assert "1 session sealed under a secret that gateway.secret no longer holds" in result.stderr.replace(
        "\n", " "
    )


# revoke


@pytest.mark.parametrize(
    "chosen",
    [("--sub", "sub-of-alice"), ("--email", "alice.élan@EXAMPLE.gouv.fr"), ("--id", "{id}")],
    ids=lambda chosen: chosen[0],
)
def test_the_sessions_of_one_person_end_and_nobody_elses(settings: Path, chosen: tuple[str, str]) -> None:
    mine, yours = signed_in(settings, A, B)
    result = invoke(settings, "revoke", chosen[0], chosen[1].format(id=mine.session_id))
    assert (result.exit_code, result.stdout) == (0, "1 session ended\n")
    assert left(settings) == {yours.key}


def test_each_session_that_ends_is_audited_with_who_ended_it(settings: Path) -> None:
    cookies = signed_in(settings, A, B)
    result = invoke(settings, "revoke", "--siret", SIRET)
    assert result.stdout == "2 sessions ended\n"
    events = sorted(ended(result), key=lambda event: str(event["sub"]))
    assert [(event["event"], event["why"], event["by"]) for event in events] == [
        ("session-ended", "revoked", getpass.getuser())
    ] * 2
    assert [event["session"] for event in events] == [cookie.session_id for cookie in cookies]
    assert {name: events[0][name] for name in ("audit", "email", "siret", "acr", "app", "provider")} == {
        "audit": True,
        "email": "Alice.Élan@Example.gouv.fr",
        "siret": SIRET,
        "acr": "eidas1",
        "app": "app",
        "provider": "default",
    }


def test_who_became_another_user_first_is_named_too(settings: Path) -> None:
    signed_in(settings, A)
    runner = CliRunner(env={"SUDO_USER": "céline\x1b"})
    result = runner.invoke(main, ["sessions", "revoke", "--all", "--yes", "--config", str(settings)])
    assert [event["by"] for event in ended(result)] == [rf"céline\x1b as {getpass.getuser()}"]


def test_that_nobody_is_found_is_no_fault(settings: Path) -> None:
    signed_in(settings, A)
    result = invoke(settings, "revoke", "--email", "nobody@example.fr")
    assert (result.exit_code, result.stdout, ended(result)) == (0, "0 sessions ended\n", [])


@pytest.mark.parametrize(
    "arguments, text, status, stay",
    [
        (("--all",), "y\n", 0, 0),
        (("--all", "--yes"), None, 0, 0),
        (("--all",), "n\n", 1, 2),
        (("--all",), "", 1, 2),
    ],
    ids=["asked and confirmed", "not asked", "asked and refused", "nobody to ask"],
)
def test_all_of_them_end_when_that_is_confirmed(
    settings: Path, arguments: tuple[str, ...], text: str | None, status: int, stay: int
) -> None:
    signed_in(settings, A, B)
    result = invoke(settings, "revoke", *arguments, text=text)
    assert result.exit_code == status
    assert len(left(settings)) == stay
    assert len(ended(result)) == 2 - stay


def test_all_of_them_are_more_than_a_page_and_those_that_do_not_open_too(settings: Path) -> None:
    signed_in(settings, *[B] * 70)
    (unreadable,) = signed_in(settings, A, secret=Secret("x" * 43))
    result = invoke(settings, "revoke", "--all", "--yes")
    assert result.stdout == "71 sessions ended\n"
    assert unreadable.session_id in {event["session"] for event in ended(result)}
    assert left(settings) == set()


# What can be wrong


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("revoke",), "--id, --sub, --email, --siret or --all"),
        (("revoke", "--sub", "a", "--email", "b"), "Only one of"),
        (("revoke", "--sub", "a", "--all"), "Only one of"),
        (("list", "--sub", "a", "--id", "b"), "Only one of"),
        (("revoke", "--email", " "), "must not be empty"),
        (("revoke", "--sub", "a\x00b"), "holds characters"),
        (("list", "--sub", "a\udcff"), "holds characters"),
        (("list", "--limit", "-1"), "--limit"),
    ],
    ids=" ".join,
)
def test_a_command_that_is_not_clear_does_nothing(
    settings: Path, arguments: tuple[str, ...], said: str
) -> None:
    signed_in(settings, A)
    result = invoke(settings, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(left(settings)) == 1


@pytest.mark.parametrize("command", [("list",), ("revoke", "--all", "--yes")], ids=" ".join)
@pytest.mark.parametrize(
    "store, said",
    [
        ("memory:", "sessions in memory are seen by the process of their gateway alone"),
        ("sqlite:///nowhere/at/all/sessions.db", "/nowhere/at/all/sessions.db is not there"),
        ("sqlite://{settings}", "the session store did not answer: file is not a database"),
        ("redis://127.0.0.1:{port}/0", "the session store did not answer: Error 111 connecting to 127.0.0.1"),
    ],
    ids=["memory", "no file", "no database", "redis"],
)
def test_a_store_that_cannot_be_asked_is_said_with_its_remedy(
    tmp_path: Path, command: tuple[str, ...], store: str, said: str
) -> None:
    settings = settings_file(tmp_path, store.format(port=free_port(), settings=tmp_path / "gateway.toml"))
    result = invoke(settings, *command, columns=200)
    assert (result.exit_code, result.stdout.replace("0 sessions ended\n", "")) == (1, "")
    assert said in result.stderr
    assert "; " in result.stderr


def test_settings_with_a_fault_are_said_and_nothing_is_asked(settings: Path) -> None:
    settings.write_text(settings.read_text().replace("[sessions]", "[sessions]\nstor = 1"))
    result = invoke(settings, "list")
    assert result.exit_code == 1
    assert "sessions.stor" in result.stderr


@pytest.mark.real
async def test_the_same_over_redis(tmp_path: Path, redis_server: Any) -> None:
    settings = settings_file(tmp_path, redis_server.url)
    stores = await RealRedis(redis_server).open()
    gateway = at(stores[0], SECRET)
    mine, yours = await gateway.write(A), await gateway.write(B)
    listed = await asyncio.to_thread(invoke, settings, "list", "--json")
    assert {row["id"] for row in rows(listed)} == {mine.session_id, yours.session_id}
    result = await asyncio.to_thread(invoke, settings, "revoke", "--email", "bob@example.fr")
    assert result.stdout == "1 session ended\n"
    assert await gateway.every() == {mine.key}
    for store in stores:
        await store.close()


# explain --session


ROLES = '[[apps.routes]]\npath = "/roles/"\nrequire.roles = ["agent_public_etat"]\n'
OTHERS = '[[apps.routes]]\npath = "/others/"\nrequire.siret = ["19750707600013"]\n'


def explained(settings: Path, url: str, session: str) -> Result:
    arguments = ["explain", "GET", url, "--session", session, "--config", str(settings)]
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, arguments)


def test_explain_decides_about_the_person_of_a_session_as_far_as_it_is_listed(settings: Path) -> None:
    settings.write_text(settings.read_text().replace("[observe]", f"{ROLES}{OTHERS}[observe]"))
    cookie, _ = signed_in(settings, A, B)
    result = explained(settings, "/others/", cookie.session_id)
    assert result.exit_code == 0
    assert "person    sub-of-alice" in result.stdout
    assert f"saw {SIRET}: does not hold" in result.stdout
    assert "decision  deny (other-organisation): 403" in result.stdout
    result = explained(settings, "/roles/", cookie.session_id)
    assert "roles = agent_public_etat; cannot be told" in result.stdout
    assert "decision  depends on roles, which its browser's cookie alone opens" in result.stdout
    result = explained(settings, "/", cookie.session_id)
    assert "X-ProConnect-Email: Alice.%C3%89lan@Example.gouv.fr" in result.stdout
    assert "besides   further fields" in result.stdout


def test_explain_knows_no_session_that_is_not_there(settings: Path) -> None:
    signed_in(settings, A)
    result = explained(settings, "/", "nobody")
    assert result.exit_code == 1
    assert "there is no session nobody; see `proconnect-gateway sessions list`" in result.stderr
