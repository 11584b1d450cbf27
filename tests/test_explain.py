"""`proconnect-gateway explain` says what the gate would do, and nothing that it would not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.access.identity import Encoding
from gateway.cli import main
from gateway.demo.people import PEOPLE
from gateway.demo.provider import Provider, Registration, serve
from gateway.demo.upstream import make_upstream
from gateway.explain import Person, explain
from gateway.settings.load import load
from tests.support.flows import sign_in
from tests.support.gateway import Wanted, running_gateway
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS
from tests.support.serving import served

CLIENT = CLIENTS["RS256"]
PERSON = {"sub": "3f1a", "email": "Celine@Example.fr", "given_name": "Céline"}
SETTINGS = f"""
[gateway]
public_url = "https://demarches.example"
[provider]
profile = "proconnect"
environment = "integration"
client_id = "{CLIENT.client_id}"
client_secret = "{CLIENT.client_secret}"
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
methods = ["GET", "POST"]
access = "deny"
[[apps]]
name = "rh"
host = "rh.example"
upstream = "unix:/run/rh.sock"
sign_in = "redirect"
encoding = "utf-8"
remote_user = "sub"
sign_out_paths = ["/logout", "/index.php?action=logout"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(SETTINGS, "utf-8")
    return path


def explained(path: Path, method: str, url: str, claims: Mapping[str, Any] | None = None) -> Result:
    """The command's result, with claims read from its standard input."""
    arguments = ["explain", method, url, "--config", str(path)]
    given = [] if claims is None else ["--claims", "-"]
    return CliRunner().invoke(main, [*arguments, *given], input=json.dumps(claims))


def said(result: Result) -> dict[str, str]:
    """Each line's name and text; the fields after the first are one text with it."""
    assert result.exit_code == 0
    lines: dict[str, str] = {}
    for line in result.output.splitlines():
        name = line[:8].strip() or [*lines][-1]
        lines[name] = f"{lines[name]}\n{line[10:]}" if name in lines else line[10:]
    return lines


NOBODY_TOLD = "none: the application is told of nobody"
TOLD = """\
Remote-User: celine@example.fr
X-ProConnect-Sub: 3f1a
X-ProConnect-Email: Celine@Example.fr
X-ProConnect-Given-Name: C%C3%A9line"""
TOLD_IN_UTF_8 = TOLD.replace("celine@example.fr", "3f1a").replace("%C3%A9", "é")
NEWS = "apps[0].routes[1]: /news/ and below is optional"
HOME = "apps[0], no route matches: signed-in"
RH = "apps[1], no route matches: signed-in"
SCRIPTS = "a script's request gets 401"


@pytest.mark.parametrize(
    "url, claims, told",
    [
        (
            "/assets/x",
            PERSON,
            ["apps[0].routes[0]: /assets/ and below is public", "allow (public)", NOBODY_TOLD],
        ),
        ("/news/", None, [NEWS, "allow (optional)", NOBODY_TOLD]),
        ("/news/", PERSON, [NEWS, "allow (optional)", TOLD]),
        (
            "/admin",
            PERSON,
            ["apps[0].routes[2]: GET, POST /admin/ and below is deny", "deny (route-denied): 403"],
        ),
        ("/", None, [HOME, f"sign-in required (not-signed-in): 401 with the sign-in page; {SCRIPTS}"]),
        (
            "https://rh.example/",
            None,
            [RH, f"sign-in required (not-signed-in): 303 to the provider; {SCRIPTS}"],
        ),
        ("https://rh.example/", PERSON, [RH, "allow (signed-in)", TOLD_IN_UTF_8]),
    ],
)
def test_a_decision_is_told_with_its_rule_and_its_fields(
    path: Path, url: str, claims: Mapping[str, Any] | None, told: list[str]
) -> None:
    lines = said(explained(path, "GET", url, claims))
    assert [lines[name] for name in ("rule", "decision", "fields") if name in lines] == told
    assert lines["person"] == (PERSON["sub"] if claims else "nobody")


def test_the_app_and_its_upstream_are_named(path: Path) -> None:
    assert said(explained(path, "GET", "/"))["app"] == "demarches, forwarded to http://legacy:80"
    assert said(explained(path, "GET", "https://rh.example"))["app"] == "rh, forwarded to unix:/run/rh.sock"


@pytest.mark.parametrize(
    "url, target",
    [
        ("https://demarches.example", "/ at demarches.example"),
        ("https://demarches.example:8443/a?b", "/a?b at demarches.example:8443"),
        ("https://demarches.example?b", "/?b at demarches.example"),
        ("/a b?é=[1]#part", "/a%20b?%C3%A9=[1] at demarches.example"),
        ("https://name:word@demarches.example/", "/ at demarches.example"),
        ("WSS://demarches.example/live?a", "/live?a at demarches.example"),
        ("/a%2Fb?c=https://x.example/", "/a%2Fb?c=https://x.example/ at demarches.example"),
    ],
)
def test_a_url_becomes_the_request_that_a_browser_sends(path: Path, url: str, target: str) -> None:
    assert said(explained(path, "get", url))["request"] == f"GET {target}"


@pytest.mark.parametrize(
    "method, url, decision",
    [
        ("GET", "https://other.example/", "refused (host-unknown): 421; host: other.example"),
        ("GET", "/news/..;/admin/", "refused (target-ambiguous): 400; why: dot segment"),
        (
            "GET",
            "/ADMIN/",
            "refused (target-ambiguous): 400; routes: apps[0], no route matches, apps[0].routes[2]",
        ),
        ("GET", "/%zz", "refused (target-ambiguous): 400; why: broken percent-encoding"),
        ("GET", "https://demarches .example/", "refused (request-malformed): 400; why: Host"),
        ("TRACE", "/", "refused (method-not-allowed): 405; method: TRACE"),
        ("GET", "/_gateway/callback", "/_gateway/ is the gateway's own: no application gets it"),
        ("POST", "/", "sign-in required (not-signed-in): 401"),
        ("GET", "wss://rh.example/live", "sign-in required (not-signed-in): 401"),
    ],
)
def test_what_never_reaches_an_application_is_said_so(
    path: Path, method: str, url: str, decision: str
) -> None:
    lines = said(explained(path, method, url))
    assert lines["decision"].startswith(decision)
    assert "fields" not in lines


LEAVING = "303 to the page after a sign-out, for nobody signs in to sign out"


@pytest.mark.parametrize(
    "method, url, claims, decision",
    [
        ("GET", "/logout?from=menu", PERSON, "allow (signed-in)"),
        ("GET", "/index.php?action=logout", None, f"sign-in required (not-signed-in): {LEAVING}; {SCRIPTS}"),
        ("POST", "/logout", None, f"sign-in required (not-signed-in): {LEAVING}; {SCRIPTS}"),
        ("DELETE", "/logout", None, "sign-in required (not-signed-in): 401"),
    ],
)
def test_a_sign_out_of_the_applications_is_told(
    path: Path, method: str, url: str, claims: Mapping[str, Any] | None, decision: str
) -> None:
    lines = said(explained(path, method, f"https://rh.example{url}", claims))
    assert lines["sign-out"] == "the application's own: it ends the session here and at the provider"
    assert lines["decision"] == decision


@pytest.mark.parametrize("url", ["https://rh.example/index.php", "https://demarches.example/logout"])
def test_no_other_page_is_told_to_sign_out(path: Path, url: str) -> None:
    assert "sign-out" not in said(explained(path, "GET", url))


@pytest.mark.parametrize("url", ["", "demarches.example", "ftp://demarches.example/", "javascript:1"])
def test_what_is_no_url_is_a_question_back(path: Path, url: str) -> None:
    result = explained(path, "GET", url)
    assert result.exit_code == 2
    assert "Invalid value for URL: give a URL such as" in result.stderr


@pytest.mark.parametrize("claims", ["{", "[]", "{}", '{"sub": 1}', "\xff"])
def test_claims_that_describe_nobody_are_a_question_back(path: Path, claims: str) -> None:
    arguments = ["explain", "GET", "/", "--config", str(path), "--claims", "-"]
    result = CliRunner().invoke(main, arguments, input=claims.encode("latin-1"))
    assert result.exit_code == 2
    assert "Invalid value for --claims" in result.stderr


def test_a_file_of_claims_that_is_not_there_is_named(path: Path) -> None:
    arguments = ["explain", "GET", "/", "--config", str(path), "--claims", "/nowhere.json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "/nowhere.json" in result.stderr


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_the_fields_are_the_very_ones_that_the_application_gets(
    tmp_path: Path, http_browser: HTTPBrowser, encoding: Encoding
) -> None:
    registration = Registration(
        client_id=CLIENT.client_id, client_secret=CLIENT.client_secret, redirect_uris=()
    )
    async with serve(Provider([registration])) as provider, served(make_upstream()) as upstream:
        wanted = Wanted(
            issuer=provider.issuer, client=CLIENT, upstream=upstream, app=f'encoding = "{encoding}"'
        )
        async with running_gateway(wanted) as gateway:
            provider.register(
                Registration(
                    client_id=CLIENT.client_id,
                    client_secret=CLIENT.client_secret,
                    redirect_uris=(gateway.redirect_uri,),
                )
            )
            await sign_in(http_browser, f"{gateway.url}/form", PEOPLE[0].id)
            got = json.loads((await http_browser.fetch(f"{gateway.url}/api/me")).text)
            claims = json.loads((await http_browser.fetch(f"{gateway.url}/_gateway/whoami")).text)["claims"]
            path = tmp_path / "gateway.toml"
            path.write_text(wanted.toml(url=gateway.url, front="127.0.0.1:0", observe="127.0.0.1:0"))
            told = explain(load(path, {}), method="GET", url=f"{gateway.url}/", person=Person(claims))
    charset = "utf-8" if encoding is Encoding.UTF_8 else "latin-1"
    received = [(name, value.encode("latin-1").decode(charset)) for name, value in got]
    assert [pair for pair in received if pair[0].startswith(("X-ProConnect-", "Remote-User"))] == list(
        told.fields
    )
    assert len(told.fields) > len(PERSON)


@pytest.mark.parametrize(
    "arguments",
    [[], ["GET"], ["GET", "/", "--har", "-"], ["GET", "/", "--claims", "-", "--session", "x"]],
    ids=["nothing", "no address", "both", "two people"],
)
def test_what_is_asked_about_is_one_thing(path: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["explain", *arguments, "--config", str(path)], input="{}")
    assert result.exit_code == 2
    assert "Give METHOD and URL" in result.stderr or "Only one of" in result.stderr
