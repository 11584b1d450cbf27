"""What the README says is true: its settings load, its commands exist, its output is the real one."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.access.identity import Encoding, IdentityFields
from gateway.check import registrations
from gateway.cli import main
from gateway.settings.load import load
from gateway.settings.model import Observe, Settings
from gateway.web.paths import OwnPaths
from tests.support.processes import find_program

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
NAME = "Lefèvre-Œillet + 50 %"
CLAIMS = {
    "sub": "3f1a",
    "email": "a@b.example",
    "given_name": "Éléonore",
    "usual_name": NAME,
    "uid": "1",
    "siret": "1",
    "idp_id": "1",
    "organization_label": "Préfecture",
    "roles": ["agent_public"],
    "acr": "eidas1",
    "auth_time": 1,
}
WRITTEN = {name.decode(): value.decode() for name, value in IdentityFields().fields(CLAIMS)}
SET_BY_THE_GATEWAY = {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-Id"}


def blocks(language: str = "") -> list[str]:
    """The code blocks of one language, without their indentation in lists."""
    found = re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", README, re.MULTILINE | re.DOTALL)
    return [
        re.sub(f"^{indent}", "", text, flags=re.MULTILINE)
        for indent, written, text in found
        if written == language
    ]


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """The README's settings with its routes, and secrets where they stand in for the files it names."""
    main_part, routes, sign_out = blocks("toml")
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef" * 2)
    path = tmp_path / "gateway.toml"
    path.write_text(
        re.sub(r'"/run/secrets/\w+"', json.dumps(str(secret)), main_part + sign_out) + routes, "utf-8"
    )
    return path


@pytest.fixture
def settings(settings_file: Path) -> Settings:
    return load(settings_file, {})


def test_the_settings_load_and_are_as_short_as_promised(settings: Settings) -> None:
    assert settings.apps[0].host == "demarches.example.gouv.fr"
    assert len([line for line in blocks("toml")[0].splitlines() if line]) <= 15


def test_the_addresses_to_register_are_the_real_ones(settings: Settings) -> None:
    (registration,) = registrations(settings)
    assert re.findall(r"- redirect URI: `(.*)`", README) == list(registration.redirect_uris)
    assert re.findall(r"- post-logout redirect URI: `(.*)`", README) == list(
        registration.post_logout_redirect_uris
    )


def test_the_explanation_is_the_real_one(settings_file: Path, tmp_path: Path) -> None:
    (person,) = blocks("json")
    claims = tmp_path / "person.json"
    claims.write_text(person, "utf-8")
    (shown,) = [block for block in blocks() if "explain" in block]
    command, _, output = shown.partition("\n")
    arguments = command.removeprefix("$ proconnect-gateway ").replace("person.json", str(claims)).split()
    result = CliRunner().invoke(main, [*arguments, "--config", str(settings_file)])
    assert result.output == output


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"proconnect-gateway ([a-z][a-z ]*[a-z])", README)))
)
def test_a_command_exists(command: str) -> None:
    group: click.Command = main
    for word in command.split():
        assert isinstance(group, click.Group)
        group = group.commands[word]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))))
def test_a_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_every_field_of_the_table_is_written_and_every_written_one_is_in_it() -> None:
    rows = re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)
    named = set()
    for row in rows:
        first, *others = re.findall(r"`([A-Za-z-]+)`", row)
        prefix = "X-ProConnect" if first.startswith("X-P") else "X-Forwarded"
        named |= {first, *(prefix + name if name.startswith("-") else name for name in others)}
    assert named == {*WRITTEN, *SET_BY_THE_GATEWAY}


def test_the_encodings_are_those_of_the_settings() -> None:
    sentence = next(line for line in README.splitlines() if "gets another `encoding`" in line)
    others = set(re.findall(r"`([a-z0-9-]+)`", sentence)) - {"encoding"}
    assert others == set(Encoding) - {Encoding.PERCENT}


def test_the_own_paths_and_the_second_address_are_the_real_ones() -> None:
    paths = OwnPaths()
    assert set(re.findall(r"/_gateway/[a-z-]+", README)) == {
        paths.callback,
        paths.signed_out,
        paths.sign_out,
        paths.whoami,
    }
    assert f"`{Observe.model_fields['listen'].default}`" in README


def test_python_reads_a_name_right() -> None:
    (snippet,) = blocks("python")
    names = {"environ": {"HTTP_X_PROCONNECT_USUAL_NAME": WRITTEN["X-ProConnect-Usual-Name"]}}
    exec(snippet, names)  # noqa: S102 - the README's own
    assert names["name"] == NAME  # type: ignore[comparison-overlap] # the snippet sets it


@pytest.mark.real
def test_node_reads_a_name_right() -> None:
    (snippet,) = blocks("js")
    fields = {"x-proconnect-usual-name": WRITTEN["X-ProConnect-Usual-Name"]}
    program = f"const req = {{headers: {json.dumps(fields)}}};{snippet};process.stdout.write(name)"
    assert (
        subprocess.run(
            [find_program("node", "nodejs", package="nodejs"), "-e", program], capture_output=True, check=True
        ).stdout.decode()
        == NAME
    )


def test_php_asks_for_fields_that_are_written_and_leaves_a_plus_alone() -> None:
    (snippet,) = blocks("php")
    written = {"HTTP_" + name.upper().replace("-", "_") for name in WRITTEN}
    assert set(re.findall(r"\$_SERVER\['(\w+)'\]", snippet)) <= written
    assert not re.search(r"(?<!raw)urldecode", snippet)


def test_java_asks_for_a_field_that_is_written_and_reads_utf_8() -> None:
    (snippet,) = blocks("java")
    assert set(re.findall(r'getHeader\("([\w-]+)"\)', snippet)) <= {*WRITTEN}
    assert "StandardCharsets.UTF_8" in snippet
    # URLDecoder makes a space of a plus, so none is ever sent as it is.
    assert "+" not in WRITTEN["X-ProConnect-Usual-Name"]
