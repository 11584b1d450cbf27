"""`explain --har` tells what would be decided now about each request of a browser's recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

SETTINGS = """
[gateway]
public_url = "https://demarches.example"
[provider]
profile = "proconnect"
environment = "integration"
client_id = "demarches"
client_secret = "only for this test, and long enough"
[[apps]]
name = "demarches"
upstream = "http://legacy:80"
[[apps.routes]]
path = "/assets/"
access = "public"
[[apps.routes]]
path = "/news/"
access = "optional"
[[apps.routes]]
path = "/admin/"
access = "deny"
[[apps]]
name = "rh"
host = "rh.example"
upstream = "http://rh:80"
sign_in = "redirect"
sign_out_paths = ["/logout"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(SETTINGS, "utf-8")
    return path


def recording(*requests: tuple[str, str, int]) -> str:
    """What a browser saves of its network."""
    entries = [
        {"request": {"method": method, "url": url, "cookies": []}, "response": {"status": status}}
        for method, url, status in requests
    ]
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def replayed(path: Path, recorded: str, *arguments: str) -> Result:
    return CliRunner().invoke(
        main, ["explain", "--har", "-", "--config", str(path), *arguments], input=recorded
    )


def test_a_recording_is_told_a_line_a_request(path: Path) -> None:
    result = replayed(
        path,
        recording(
            ("GET", "https://demarches.example/", 200),
            ("GET", "https://demarches.example/assets/x.css", 200),
            ("POST", "https://demarches.example/admin/x", 403),
            ("GET", "wss://rh.example/live", 101),
            ("GET", "https://rh.example/logout", 302),
        ),
    )
    assert result.exit_code == 0
    required = "sign-in required (not-signed-in)"
    assert [line.strip().split("  ") for line in result.stdout.splitlines()] == [
        ["200", required, "apps[0], no route matches", "GET https://demarches.example/"],
        ["200", "allow (public)", "apps[0].routes[0]", "GET https://demarches.example/assets/x.css"],
        ["403", "deny (route-denied)", "apps[0].routes[2]", "POST https://demarches.example/admin/x"],
        ["101", required, "apps[1], no route matches", "GET wss://rh.example/live"],
        ["302", required, "apps[1], no route matches, sign-out", "GET https://rh.example/logout"],
    ]
    assert "1 request: allow (public)" in result.stderr


@pytest.mark.parametrize(
    "url, shown",
    [
        ("https://demarches.example/?code=abc", "https://demarches.example/"),
        ("https://demarches.example?code=abc", "https://demarches.example"),
        ("https://demarches.example/a#abc", "https://demarches.example/a"),
        ("https://name:abc@demarches.example/a@b", "https://demarches.example/a@b"),
        ("wss://demarches.example/live?token=abc", "wss://demarches.example/live"),
        ("https://elsewhere.example/x?abc", "https://elsewhere.example/x"),
        ("data:image/png;base64,abc", "data:"),
        ("blob:https://demarches.example/abc", "blob:"),
    ],
)
def test_no_query_and_no_content_is_printed(path: Path, url: str, shown: str) -> None:
    result = replayed(path, recording(("GET", url, 200)))
    assert result.stdout.endswith(f"  GET {shown}\n")
    assert "abc" not in result.output


@pytest.mark.parametrize(
    "url, decision",
    [
        ("https://cdn.example/x.js", "another host"),
        ("https://cdn.example/%zz/..;/", "another host"),
        ("wss://cdn.example/", "another host"),
        ("https://cdn .example/", "refused (request-malformed)"),
        ("data:image/png;base64,AA", "passed over"),
    ],
)
def test_what_is_not_an_applications_is_told_so(path: Path, url: str, decision: str) -> None:
    result = replayed(path, recording(("GET", url, 200)))
    assert result.stdout.strip().split("  ")[:3] == ["200", decision, ""]
    assert f"1 request: {decision}" in result.stderr


def test_a_recording_of_somebody_is_told_of_them(path: Path, tmp_path: Path) -> None:
    person = tmp_path / "person.json"
    person.write_text(json.dumps({"sub": "3f1a"}))
    result = replayed(path, recording(("GET", "https://demarches.example/", 200)), "--claims", str(person))
    assert result.stdout.split("  ")[:2] == ["200", "allow (signed-in)"]


@pytest.mark.parametrize(
    "recorded, why",
    [
        ("{", "the file: Invalid JSON"),
        ("[]", "the file: Input should be an object"),
        ('{"log": {}}', "log.entries: Field required"),
        (
            '{"log": {"entries": [{"request": {"method": "GET"}}]}}',
            "log.entries.0.request.url: Field required",
        ),
        ("[" * 100_000, "the file: Invalid JSON"),
    ],
)
def test_what_is_no_recording_is_told_so(path: Path, recorded: str, why: str) -> None:
    result = replayed(path, recorded)
    assert result.exit_code == 2
    assert why in " ".join(result.stderr.split())
