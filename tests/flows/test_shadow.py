"""A rule in shadow mode says whom it would refuse, lets them pass, and opens nothing to anybody else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.support.flows import OK, gateway_before, on_the_wire, sign_in
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import OIDCEngine
from tests.support.story import story

SHADOW: Final = """
[[apps.routes]]
path = "/private/tried/"
mode = "shadow"
require.siret = ["00000000000000"]
[[apps.routes]]
path = "/private/strong/"
mode = "shadow"
require.acr = ["eidas3"]
"""
TRIED: Final = "/private/tried/page"


async def test_who_would_be_refused_passes_and_is_logged_by_rule_and_organisation() -> None:
    async with story(routes=SHADOW) as scene:
        await scene.sign_in(return_to=TRIED)
        assert scene.upstream == [f"GET {TRIED}"]
        (event,) = scene.events("shadow-refused")
        assert (event["reason"], event["route"], event["app"]) == (
            "other-organisation",
            "apps[0].routes[0]",
            "app",
        )
        assert (event["siret"], event["organisation"]) == ("10000001700010", "Préfecture du Morbihan")
        assert scene.events("access-refused") == []
        metrics = await scene.browser.fetch(f"{scene.gateway.observe}/metrics")
        assert 'event="shadow-refused",why="other-organisation"' in metrics.text.replace('app="app",', "")


async def test_nobody_comes_in_without_signing_in() -> None:
    async with on_the_wire(routes=SHADOW) as wire:
        assert (await wire.ask("GET", TRIED, "Sec-Fetch-Mode: navigate")).status == 401
        assert (await wire.ask("POST", TRIED, "Content-Length: 0")).status == 401
        await wire.nothing_went_up()


async def test_the_application_is_told_what_any_other_page_is_told() -> None:
    async with on_the_wire(OK, routes=SHADOW) as wire:
        await wire.sign_in()
        for target in ("/private/else", TRIED):
            await wire.ask("GET", target, wire.cookie)
        told = [sorted(name for name, _ in _identity(request)) for request in wire.upstream.requests]
        assert told[0] == told[1]


def _identity(request: bytes) -> list[tuple[str, str]]:
    lines = request.decode("latin-1").split("\r\n")[1:]
    pairs = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return [pair for pair in pairs if pair[0].startswith(("X-ProConnect", "Remote"))]


async def test_a_level_that_is_tried_is_not_asked_for_and_steps_nobody_up() -> None:
    async with story(routes=SHADOW) as scene:
        begun = await scene.begin(return_to="/private/strong/x")
        assert json.loads(begun.location.query["claims"])["id_token"]["acr"] is None
        page = await scene.browser.follow(await scene.choose(begun))
        assert (page.status, page.url.path) == (200, "/private/strong/x")
        assert [event["reason"] for event in scene.events("shadow-refused")] == ["acr-too-low"]


async def test_a_front_server_is_told_to_let_them_pass() -> None:
    front = 'trusted_proxies = ["127.0.0.1"]'
    async with on_the_wire(routes=SHADOW, gateway=front) as wire:
        await wire.sign_in()
        fields = (f"X-Forwarded-Host: {wire.host}", "X-Forwarded-Proto: http", f"X-Forwarded-Uri: {TRIED}")
        method = "X-Forwarded-Method: GET"
        answer = await wire.ask("GET", "/_gateway/forward-auth", wire.cookie, method, *fields)
        assert answer.status == 200
        assert [e["event"] for e in wire.gateway.audited()][-1] == "shadow-refused"


@pytest.mark.real
async def test_the_engines_people_are_let_pass_and_reported(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser, tmp_path: Path
) -> None:
    async with gateway_before(oidc_engine, routes=SHADOW) as gateway:
        page = await sign_in(http_browser, gateway.url + TRIED, "eleonore")
        assert page.status == 200
        log = tmp_path / "gateway.log"
        log.write_text("".join(json.dumps(line, default=str) + "\n" for line in gateway.audited()), "utf-8")
    (row,) = reported("--json", str(log))
    assert (row["route"], len(row["people"]), row["requests"]) == ("apps[0].routes[0]", 1, 1)


def line(**changes: Any) -> str:
    event = {
        "audit": True,
        "event": "shadow-refused",
        "time": "2026-11-26T08:00:00Z",
        "app": "app",
        "route": "apps[0].routes[1]",
        "reason": "role-missing",
        "siret": "13002526500013",
        "organisation": "DINUM",
        "email": "a@example.fr",
        "path": "/x",
    }
    return json.dumps({**event, **changes}) + "\n"


def reported(*arguments: str, given: str = "") -> list[dict[str, Any]]:
    result = CliRunner().invoke(main, ["report", *arguments], input=given)
    assert result.exit_code == 0, result.output
    return [json.loads(text) for text in result.stdout.splitlines()]


def test_the_report_adds_up_files_rotated_ones_and_standard_input(tmp_path: Path) -> None:
    plain, rotated = tmp_path / "a.log", tmp_path / "a.log.1.gz"
    plain.write_text(
        line() + "no JSON\n" + line(email="b@example.fr") + line(event="access-refused"), "utf-8"
    )
    rotated.write_bytes(
        gzip.compress((line(time="2026-11-25T08:00:00Z") + line(siret=None, email=None, sub="s")).encode())
    )
    rows = reported(
        "--json", str(plain), str(rotated), "-", given=line(email="c@example.fr") + "[]\n" + "[" * 100_000
    )
    assert [(row["siret"], row["people"], row["requests"]) for row in rows] == [
        ("13002526500013", ["a@example.fr", "b@example.fr", "c@example.fr"], 4),
        (None, ["s"], 1),
    ]
    assert (rows[0]["first"], rows[0]["last"]) == ("2026-11-25T08:00:00Z", "2026-11-26T08:00:00Z")


def test_the_table_moves_no_terminal_and_names_people_when_asked() -> None:
    given = line(organisation="\x1b[2JDINUM[bold]", email="a@example.fr")
    result = CliRunner().invoke(main, ["report"], input=given)
    assert "\x1b" not in result.stdout
    assert "DINUM[bold]" in result.stdout.replace("\n", "")
    assert "a@example.fr" not in result.stdout
    assert "a@example.fr" in CliRunner().invoke(main, ["report", "--people"], input=given).stdout


def test_a_file_that_is_not_there_is_said() -> None:
    result = CliRunner().invoke(main, ["report", "/nowhere/at/all.log"])
    assert result.exit_code == 1


def test_nothing_to_report_is_said() -> None:
    assert "Nobody would be locked out" in CliRunner().invoke(main, ["report"], input="").stdout


CONSOLE: Final = "09:21:07 warning shadow-refused GET /private/tried/ app=app reason=role-missing\n"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_log_for_people_is_not_taken_for_one_that_tells_of_nobody(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["report", *arguments], input=CONSOLE * 3)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no line of 3 lines is JSON" in result.stderr
    assert 'log.format = "json"' in result.stderr


def test_lines_that_are_passed_over_are_told_besides_the_others() -> None:
    result = CliRunner().invoke(main, ["report"], input=CONSOLE + "\n" + line())
    assert result.exit_code == 0
    assert "1 line of 3 passed over" in result.stderr
    assert 'log.format = "json"' in result.stderr


def test_a_log_that_says_nothing_of_the_kind_locks_nobody_out() -> None:
    result = CliRunner().invoke(main, ["report"], input=line(event="sign-in"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Nobody would be locked out" in result.stdout


def test_a_report_that_is_not_whole_says_so() -> None:
    given = "".join(line(siret=str(number)) for number in range(100_002)) + line(siret="0")
    result = CliRunner().invoke(main, ["report", "--json"], input=given)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 100_000
    assert "ends at 100000 rows, and 2 requests" in result.stderr
