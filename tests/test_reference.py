"""`config/gateway.toml` is complete and true: it names every setting and nothing else, each with its default.

In it a line of `#` and a name is a setting at its default, unless the comment above begins with "No default".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Provider, Settings, load, settings_json_schema
from gateway.settings.shape import Shape
from tests.support.certificates import TestAuthority

REFERENCE = Path(__file__).parent.parent / "config" / "gateway.toml"
LINES = REFERENCE.read_text().splitlines()
SCHEMA = settings_json_schema()
SHAPE = Shape(SCHEMA, SCHEMA["$defs"])

SETTING = re.compile(r'#?(?P<name>[a-z_.":]+) = .+')
FREE = {  # tables whose names are the administrator's
    "identity_templates",
    "request_fields",
    "require.claims",
    "response.add",
    "response.cookie_domains",
    "response.cookie_paths",
    "response.locations",
    "response.replace",
}
REPEATED = {"require.any", "require.not", "apps.page"}  # the same settings as elsewhere
WHOLE = {"other_ways"}  # tables that are always written in one line
PROSE = re.compile(r"# .*|#")


def paragraph_above(number: int) -> str:
    """The lines of prose right above a line."""
    first = number
    while first and PROSE.fullmatch(LINES[first - 1]):
        first -= 1
    return "\n".join(LINES[first:number])


def section_of(number: int) -> str:
    """The name of the section that a line stands in."""
    return next(line.strip("[]") for line in reversed(LINES[:number]) if line.startswith("["))


SETTINGS = [number for number, line in enumerate(LINES) if SETTING.fullmatch(line)]
COMMENTED = [number for number in SETTINGS if LINES[number].startswith("#")]
EXAMPLES = [number for number in COMMENTED if paragraph_above(number).startswith("# No default")]
GENERIC = [number for number in EXAMPLES if 'With profile "oidc"' in paragraph_above(number)]
DEFAULTS = [number for number in COMMENTED if number not in EXAMPLES]


def uncommented(*numbers: int) -> str:
    """The file with these lines in force."""
    return "\n".join(line[1:] if number in numbers else line for number, line in enumerate(LINES))


def name_of(number: int) -> str:
    match = SETTING.fullmatch(LINES[number])
    assert match is not None
    return match["name"]


def is_inline_secret(number: int) -> bool:
    """Whether the line shows a secret itself, which can also be in a file."""
    return any(name_of(other) == f"{name_of(number)}_file" for other in SETTINGS)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The two secrets, which the reference expects where Compose puts them."""
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef" * 2)
    return {
        "GATEWAY_GATEWAY__SECRET_FILE": str(secret),
        "GATEWAY_PROVIDER__CLIENT_SECRET_FILE": str(secret),
    }


def places(shape: Shape, prefix: str = "") -> Iterator[str]:
    """Every setting of a shape; providers by name are left out, being of one shape with `provider`."""
    for name in shape.names:
        below = shape.at((name,))
        assert below is not None
        element = below.at((0,))
        if f"{prefix}{name}".endswith(tuple(REPEATED)):
            yield prefix + name
        elif below.names:
            yield from places(below, f"{prefix}{name}.")
        elif element is not None and element.names and name not in WHOLE:
            yield from places(element, f"{prefix}{name}.")
        elif below.kind != "table" or f"{prefix}{name}".endswith(tuple(FREE)):
            yield prefix + name


def named(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Every setting that a document names."""
    for name, value in table.items():
        match value:
            case _ if f"{prefix}{name}".endswith((*REPEATED, *WHOLE, *FREE)):
                yield prefix + name
            case dict():
                yield from named(value, f"{prefix}{name}.")
            case [dict(), *_]:
                for element in value:
                    yield from named(element, f"{prefix}{name}.")
            case _:
                yield prefix + name


def test_the_reference_loads_as_it_is(environ: dict[str, str]) -> None:
    assert load(REFERENCE, environ).apps[0].host == "demarches.example.gouv.fr"


def test_the_reference_names_every_setting_once_and_nothing_else() -> None:
    whole = tomllib.loads(uncommented(*COMMENTED))
    assert sorted(named(whole)) == sorted(places(SHAPE))


def test_a_provider_with_a_name_has_the_settings_of_the_section_provider() -> None:
    assert Settings.model_fields["provider"].annotation == Provider | None
    assert str(Settings.model_fields["providers"].annotation).endswith(
        ", gateway.settings.provider.Provider]"
    )


@pytest.mark.parametrize("number", DEFAULTS, ids=lambda number: LINES[number])
def test_a_commented_setting_shows_its_default(number: int, environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(uncommented(number))
    assert load(path, environ) == load(REFERENCE, environ)


@pytest.mark.parametrize("number", EXAMPLES, ids=lambda number: LINES[number])
def test_a_setting_said_to_have_no_default_has_none(number: int) -> None:
    shape = SHAPE
    for part in (*section_of(number).split("."), *name_of(number).split(".")):
        below = shape.at((part,))
        assert below is not None
        shape = below.at((0,)) or below
    assert not shape.schema.get("default")


def test_the_examples_load(environ: dict[str, str], tmp_path: Path) -> None:
    secret = environ["GATEWAY_GATEWAY__SECRET_FILE"]
    authority = str(REFERENCE.parent.parent / "tests" / "cases" / "settings_ca.pem")
    pair = str(TestAuthority.new(tmp_path).pair("gateway"))
    environ |= {
        "GATEWAY_SESSIONS__STORE": "rediss+sentinel://redis/gateway",
        "GATEWAY_SESSIONS__STORE_PASSWORD_FILE": secret,
        "GATEWAY_SESSIONS__STORE_SENTINEL_PASSWORD_FILE": secret,
        "GATEWAY_SESSIONS__STORE_CA_FILE": authority,
        "GATEWAY_SESSIONS__STORE_CERT_FILE": pair,
        "GATEWAY_SESSIONS__STORE_KEY_FILE": pair,
        "GATEWAY_PROVIDER__SCOPE": "openid,email,siret,roles,idp_id,"
        "organizational_unit,belonging_population,chorusdt",
        "GATEWAY_PROVIDER__CA_FILE": authority,
        "GATEWAY_APPS__0__UPSTREAM_CA_FILE": authority,
        "GATEWAY_APPS__0__UPSTREAM_CERT_FILE": pair,
        "GATEWAY_APPS__0__UPSTREAM_KEY_FILE": pair,
        "GATEWAY_APPS__0__UPSTREAMS__0__UPSTREAM_CA_FILE": authority,
        "GATEWAY_APPS__0__UPSTREAMS__0__UPSTREAM_CERT_FILE": pair,
        "GATEWAY_APPS__0__UPSTREAMS__0__UPSTREAM_KEY_FILE": pair,
    }
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "_note.html").write_text("")
    (tmp_path / "locales").mkdir()
    (tmp_path / "locales" / "de.toml").write_text('[sign_in]\ntitle = "Anmeldung"\n')
    logo = REFERENCE.parent.parent / "gateway" / "web" / "static" / "mark.svg"
    environ |= {
        "GATEWAY_PAGES__LOGO": str(logo),
        "GATEWAY_PAGES__PROCONNECT_MARK": str(logo),
        "GATEWAY_PAGES__TEMPLATES_DIR": str(tmp_path / "own"),
        "GATEWAY_PAGES__LOCALES_DIR": str(tmp_path / "locales"),
    }
    path = tmp_path / "gateway.toml"
    examples = [number for number in EXAMPLES if number not in GENERIC and not is_inline_secret(number)]
    path.write_text(uncommented(*examples))
    assert load(path, environ).apps[0].name == "demarches"


def test_the_examples_of_secrets_load_without_their_files(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    secrets = [number for number in EXAMPLES if number not in GENERIC and is_inline_secret(number)]
    lines = uncommented(*secrets).splitlines()
    path.write_text("\n".join(line for line in lines if not re.match(r"(client_)?secret_file", line)))
    settings = load(path, {"GATEWAY_SESSIONS__STORE": "redis+sentinel://redis/gateway"})
    assert settings.gateway.secret
    assert settings.sessions.store_password
    assert settings.sessions.store_sentinel_password


def test_the_examples_for_other_providers_load(environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    inline = [number for number in GENERIC if not name_of(number).endswith("_file")]
    lines = uncommented(*inline).splitlines()
    oidc = [
        re.sub("^profile = .*", 'profile = "oidc"\nissuer = "https://op.example"', line) for line in lines
    ]
    path.write_text("\n".join(line for line in oidc if not line.startswith("environment = ")))
    environ |= {
        "GATEWAY_PROVIDER__TOKEN_ENDPOINT_AUTH_METHOD": "private_key_jwt",
        "GATEWAY_PROVIDER__REFRESH": "true",
    }
    settings = load(path, environ)
    assert settings.provider is not None
    assert len(settings.provider.client_key.published()["keys"]) == 1


@pytest.mark.parametrize("number", SETTINGS, ids=lambda number: LINES[number])
def test_each_setting_says_what_it_is_for(number: int) -> None:
    assert paragraph_above(number)
