"""The table of faults is `cases/settings_faults.toml`; the reference file has `test_reference.py`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.access.policy import Access
from gateway.oidc.profiles import Environment, Network
from gateway.proxy.target import read_address
from gateway.secret import Secret
from gateway.settings import (
    ListenAddress,
    MemoryStore,
    Origin,
    RedisStore,
    Settings,
    SettingsError,
    SqliteStore,
    dangers,
    load,
    settings_json_schema,
)

CASES = Path(__file__).parent / "cases"
TABLE = tomllib.loads((CASES / "settings_faults.toml").read_text())
BASE: dict[str, Any] = TABLE["base"]
SECRET = "SECRET"  # every secret in the table begins so
LOOK_THERE = 'look there and a line before: texts stand in "double quotes", and each [section] only once'
LONG_SECRETS = [letter * 32 for letter in "abc"]


SECTIONS = list(settings_json_schema()["properties"])
NAMES = sorted(
    {name for part in settings_json_schema()["$defs"].values() for name in part.get("properties", ())}
)
ANYTHING: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=8,
)


def written(value: object) -> str:
    """A value as TOML, tables inline."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{json.dumps(k)} = {written(v)}" for k, v in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case date():
            return value.isoformat()
        case _:
            return json.dumps(value, ensure_ascii=False)


def laid_over(base: object, changes: object) -> object:
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    both = {**base, **{name: laid_over(base.get(name), change) for name, change in changes.items()}}
    return {name: value for name, value in both.items() if value != "(absent)"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test's files stand, two secrets among them."""
    (tmp_path / "gateway").write_text(f"{LONG_SECRETS[0]}\n")
    (tmp_path / "proconnect").write_text("client secret\n")
    return tmp_path


def load_with(
    folder: Path, changes: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Load the table's base with changes, from a file."""
    document = laid_over(BASE, dict(changes or {}))
    assert isinstance(document, dict)
    path = folder / "gateway.toml"
    path.write_text("\n".join(f"{json.dumps(name)} = {written(value)}" for name, value in document.items()))
    return load(path, environ or {})


def faults_of(
    folder: Path, changes: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_with(folder, changes, environ)
    return [str(fault) for fault in caught.value.faults]


class TestFaults:
    @pytest.mark.parametrize("case", TABLE["case"], ids=lambda case: str(case["about"]))
    def test_unusable_settings_bring_exactly_these_faults(self, folder: Path, case: dict[str, Any]) -> None:
        assert faults_of(folder, case["with"]) == case["faults"]

    @pytest.mark.parametrize("case", TABLE["case"], ids=lambda case: str(case["about"]))
    def test_no_fault_shows_a_secret(self, folder: Path, case: dict[str, Any]) -> None:
        assert SECRET not in "\n".join(faults_of(folder, case["with"]))

    def test_the_table_s_base_itself_has_no_fault(self, folder: Path) -> None:
        assert load_with(folder).provider is not None

    def test_the_error_says_every_fault_one_a_line(self, folder: Path) -> None:
        with pytest.raises(SettingsError) as caught:
            load_with(folder, {"log": {"level": "loud", "format": "xml"}})
        assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
            "log.format",
            "log.level",
        ]

    @given(st.dictionaries(st.sampled_from(SECTIONS), ANYTHING))
    def test_whatever_is_written_is_a_fault_at_worst(self, document: dict[str, object]) -> None:
        environ = {f"GATEWAY_{name.upper()}": json.dumps(value) for name, value in document.items()}
        with pytest.raises(SettingsError):
            load(None, environ)


class TestFile:
    @pytest.mark.parametrize("name", ["settings_minimal.toml", "settings_usual.toml"])
    def test_the_shortest_and_a_usual_file_load(self, folder: Path, name: str) -> None:
        settings = load(
            CASES / name,
            {
                "GATEWAY_GATEWAY__SECRET_FILE": str(folder / "gateway"),
                "GATEWAY_PROVIDER__CLIENT_SECRET_FILE": str(folder / "proconnect"),
            },
        )
        assert settings.sessions.store == RedisStore("redis://redis:6379/0")
        assert settings.apps[0].host == "demarches.example.gouv.fr"

    def test_a_missing_file_is_a_fault(self, tmp_path: Path) -> None:
        path = tmp_path / "absent.toml"
        with pytest.raises(SettingsError) as caught:
            load(path, {})
        assert str(caught.value) == f"{path}: no such file; name it with --config or GATEWAY_CONFIG"

    @pytest.mark.parametrize(
        "content, problem",
        [
            (
                b"[gateway]\npublic_url = \n",
                f"is not TOML: Invalid value (at line 2, column 14); {LOOK_THERE}",
            ),
            (
                b"[gateway]\npath = '/a/'\npath = '/b/'\n",
                f"is not TOML: Cannot overwrite a value (at line 3, column 13); {LOOK_THERE}",
            ),
            (b"# pr\xe9fecture\n", "is not UTF-8; save it as UTF-8"),
        ],
    )
    def test_a_file_that_is_not_toml_is_a_fault_with_its_line(
        self, tmp_path: Path, content: bytes, problem: str
    ) -> None:
        path = tmp_path / "gateway.toml"
        path.write_bytes(content)
        with pytest.raises(SettingsError) as caught:
            load(path, {})
        assert str(caught.value) == f"{path}: {problem}"

    def test_a_file_that_is_a_folder_is_a_fault(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
            load(tmp_path, {})

    def test_what_is_wrong_with_the_environment_is_told_beside_an_unreadable_file(
        self, tmp_path: Path
    ) -> None:
        with pytest.raises(SettingsError) as caught:
            load(tmp_path / "absent.toml", {"GATEWAY_LOG__LEVLE": "info"})
        assert [fault.problem for fault in caught.value.faults] == ["no such file", "unknown setting"]

    def test_an_editor_s_byte_order_mark_is_no_fault(self, folder: Path) -> None:
        load_with(folder)
        path = folder / "gateway.toml"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert load(path, {}).log.level == "info"


class TestEnvironment:
    def test_everything_can_come_from_the_environment(self) -> None:
        settings = load(
            None,
            {
                "GATEWAY_GATEWAY__PUBLIC_URL": "https://a.example",
                "GATEWAY_GATEWAY__TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1",
                "GATEWAY_PROVIDER__PROFILE": "oidc",
                "GATEWAY_PROVIDER__ISSUER": "http://op.example",
                "GATEWAY_PROVIDER__DANGER_HTTP_ISSUER": "true",
                "GATEWAY_PROVIDER__CLIENT_ID": "0123",
                "GATEWAY_PROVIDER__CLIENT_SECRET": SECRET,
                "GATEWAY_PROVIDER__SCOPE": '["openid", "email"]',
                "GATEWAY_PROVIDERS__RH__PROFILE": "proconnect",
                "GATEWAY_PROVIDERS__RH__ENVIRONMENT": "production",
                "GATEWAY_PROVIDERS__RH__CLIENT_ID": "rh",
                "GATEWAY_PROVIDERS__RH__CLIENT_SECRET": SECRET,
                "GATEWAY_APPS": '[{"upstream": "http://a"}, {"upstream": "http://b", "host": "b.example"}]',
                "GATEWAY_APPS__1__PROVIDER": "rh",
                "GATEWAY_APPS__1__MAX_CONNECTIONS": "7",
                "GATEWAY_APPS__2__HOST": "c.example",
                "GATEWAY_APPS__2__UPSTREAM": "unix:/run/c.sock",
                "GATEWAY_APPS__2__ROUTES__0__PATH": "/a",
                "GATEWAY_APPS__2__ROUTES__0__METHODS": "GET,POST",
                "GATEWAY_APPS__2__ROUTES__1": '{"path": "/b"}',
                "PATH": "/usr/bin",
            },
        )
        assert settings.provider is not None
        assert settings.gateway.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("192.0.2.1/32"))
        assert settings.provider.client_id == "0123"
        assert settings.provider.scope == ("openid", "email")
        assert settings.providers["rh"].client_secret == Secret(SECRET)
        assert [app.host for app in settings.apps] == ["a.example", "b.example", "c.example"]
        assert settings.apps[1].provider == "rh"
        assert settings.apps[1].max_connections == 7
        assert settings.apps[2].routes[0].methods == ("GET", "POST")
        assert settings.apps[2].routes[1].path == "/b"

    def test_the_tenth_app_comes_after_the_second(self) -> None:
        numbers = range(11)
        environ = {f"GATEWAY_APPS__{n}__UPSTREAM": f"http://app{n}" for n in numbers}
        environ |= {f"GATEWAY_APPS__{n}__HOST": f"app{n}.example" for n in numbers}
        sections = {name: json.dumps(BASE[name]) for name in ("gateway", "provider")}
        environ |= {f"GATEWAY_{name.upper()}": text for name, text in sections.items()}
        environ["GATEWAY_GATEWAY__PUBLIC_URL"] = "https://app0.example"
        assert [app.host for app in load(None, environ).apps] == [f"app{n}.example" for n in numbers]

    def test_the_environment_goes_before_the_file(self, folder: Path) -> None:
        settings = load_with(folder, {"log": {"level": "error"}}, {"GATEWAY_LOG__LEVEL": "debug"})
        assert settings.log.level == "debug"

    def test_a_setting_of_an_app_in_the_file_can_be_changed(self, folder: Path) -> None:
        settings = load_with(folder, environ={"GATEWAY_APPS__0__UPSTREAM": "http://other"})
        assert [app.upstream for app in settings.apps] == [(read_address("http://other"),)]

    def test_a_secret_replaces_the_file_s_secret_file(self, folder: Path) -> None:
        changes = {"provider": {"client_secret": "(absent)", "client_secret_file": "/nowhere"}}
        settings = load_with(folder, changes, {"GATEWAY_PROVIDER__CLIENT_SECRET": SECRET})
        assert settings.provider is not None
        assert settings.provider.client_secret == Secret(SECRET)

    def test_a_secret_file_replaces_the_file_s_secret(self, folder: Path) -> None:
        settings = load_with(
            folder, environ={"GATEWAY_PROVIDER__CLIENT_SECRET_FILE": str(folder / "proconnect")}
        )
        assert settings.provider is not None
        assert settings.provider.client_secret == Secret("client secret")

    def test_both_spellings_of_a_secret_in_the_environment_are_a_fault(self, folder: Path) -> None:
        environ = {
            "GATEWAY_PROVIDER__CLIENT_SECRET": SECRET,
            "GATEWAY_PROVIDER__CLIENT_SECRET_FILE": str(folder / "proconnect"),
        }
        assert faults_of(folder, environ=environ) == [
            "provider.client_secret_file: client_secret is given too; keep one of the two"
        ]

    def test_the_file_s_place_can_come_from_the_environment(self, folder: Path) -> None:
        load_with(folder, {"log": {"level": "error"}})
        assert load(None, {"GATEWAY_CONFIG": str(folder / "gateway.toml")}).log.level == "error"

    def test_a_place_that_is_given_goes_before_the_environment_s(self, folder: Path) -> None:
        settings = load_with(folder, environ={"GATEWAY_CONFIG": "/nowhere.toml"})
        assert settings.log.level == "info"

    @pytest.mark.parametrize("case", TABLE["variable"], ids=lambda case: str(case["name"]))
    def test_a_variable_that_cannot_be_used_is_one_fault(self, folder: Path, case: dict[str, str]) -> None:
        assert faults_of(folder, environ={case["name"]: case["value"]}) == [case["fault"]]

    @pytest.mark.parametrize("case", TABLE["variable"], ids=lambda case: str(case["name"]))
    def test_no_fault_of_a_variable_shows_a_secret(self, folder: Path, case: dict[str, str]) -> None:
        assert SECRET not in "\n".join(faults_of(folder, environ={case["name"]: case["value"]})).replace(
            case["name"], ""
        )

    @pytest.mark.parametrize(
        "changes, name, fault",
        [
            ({"log": "loud"}, "GATEWAY_LOG__LEVEL", "log: must be a table"),
            ({"apps": "all"}, "GATEWAY_APPS__0__HOST", 'apps: must be a list, got "all"'),
        ],
    )
    def test_a_variable_under_a_value_of_the_wrong_kind_changes_nothing(
        self, folder: Path, changes: dict[str, object], name: str, fault: str
    ) -> None:
        assert faults_of(folder, changes, {name: "info"}) == [fault]

    @pytest.mark.parametrize(
        "name",
        [
            "GATEWAY_SERVICE_HOST",
            "GATEWAY_SERVICE_PORT",
            "GATEWAY_SERVICE_PORT_HTTP",
            "GATEWAY_PORT",
            "GATEWAY_PORT_8080_TCP",
            "GATEWAY_PORT_8080_TCP_ADDR",
            "GATEWAY_DEMO_SERVICE_HOST",
            "GATEWAY_INTERFACE",
        ],
    )
    def test_a_variable_that_a_platform_sets_is_none_of_ours(self, folder: Path, name: str) -> None:
        assert load_with(folder, environ={name: "tcp://10.0.0.1:80"}) == load_with(folder)


class TestSecretFiles:
    @pytest.mark.parametrize(
        "content, secret",
        [("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), (" s3 cret ", " s3 cret ")],
    )
    def test_the_line_s_end_is_not_part_of_the_secret(self, folder: Path, content: str, secret: str) -> None:
        (folder / "proconnect").write_text(content, newline="")
        settings = load_with(
            folder, environ={"GATEWAY_PROVIDER__CLIENT_SECRET_FILE": str(folder / "proconnect")}
        )
        assert settings.provider is not None
        assert settings.provider.client_secret.reveal() == secret

    def test_several_lines_are_a_rotation_newest_first(self, folder: Path) -> None:
        (folder / "gateway").write_text("\n".join(LONG_SECRETS) + "\n\n")
        settings = load_with(folder, environ={"GATEWAY_GATEWAY__SECRET_FILE": str(folder / "gateway")})
        assert [secret.reveal() for secret in settings.gateway.secret] == LONG_SECRETS

    def test_the_memory_store_needs_no_secret(self, folder: Path) -> None:
        assert load_with(folder, {"gateway": {"secret": "(absent)"}}).gateway.secret == ()

    def test_the_store_s_password_is_read(self, folder: Path) -> None:
        sessions = {"store": "redis://redis", "store_password_file": str(folder / "proconnect")}
        assert load_with(folder, {"sessions": sessions}).sessions.store_password == Secret("client secret")

    @pytest.mark.parametrize(
        "content, problem",
        [
            (None, "cannot be read: No such file or directory"),
            (b"", "is empty"),
            (b"\n \n", "is empty"),
            (b"\xff\xfe", "cannot be read as UTF-8 text"),
        ],
    )
    @pytest.mark.parametrize("name", ["client_secret_file", "ca_file"])
    def test_a_file_without_content_is_one_fault(
        self, folder: Path, name: str, content: bytes | None, problem: str
    ) -> None:
        path = folder / "given"
        if content is not None:
            path.write_bytes(content)
        changes = {"provider": {name: str(path)}}
        if name == "client_secret_file":
            changes["provider"]["client_secret"] = "(absent)"
        (fault,) = faults_of(folder, changes)
        assert fault.startswith(f"provider.{name}: {problem}")

    def test_a_file_without_certificate_is_a_fault(self, folder: Path) -> None:
        assert faults_of(folder, {"provider": {"ca_file": str(folder / "gateway")}}) == [
            "provider.ca_file: holds no certificate; give certificates in PEM"
        ]

    def test_a_file_of_certificates_is_used(self, folder: Path) -> None:
        provider = load_with(folder, {"provider": {"ca_file": str(CASES / "settings_ca.pem")}}).provider
        assert provider is not None
        assert provider.ca_file == CASES / "settings_ca.pem"


class TestValues:
    @pytest.mark.parametrize(
        "text, seconds",
        [
            ("90s", 90),
            ("30m", 1_800),
            ("1h", 3_600),
            ("12h30m", 45_000),
            ("1d2h3m4s", 93_784),
            ("1d12h", 129_600),
        ],
    )
    def test_a_duration_is_seconds(self, folder: Path, text: str, seconds: int) -> None:
        sessions = {"idle_lifetime": text, "absolute_lifetime": "7d"}
        assert load_with(folder, {"sessions": sessions}).sessions.idle_lifetime == seconds

    @pytest.mark.parametrize(
        "text, origin, again",
        [
            ("https://A.example", Origin("https", "a.example", 443), "https://a.example"),
            ("https://a.example:443", Origin("https", "a.example", 443), "https://a.example"),
            ("https://a.example:8443", Origin("https", "a.example", 8443), "https://a.example:8443"),
            ("http://localhost:8080", Origin("http", "localhost", 8080), "http://localhost:8080"),
            ("http://127.0.0.1", Origin("http", "127.0.0.1", 80), "http://127.0.0.1"),
            ("http://[::1]:80", Origin("http", "[::1]", 80), "http://[::1]"),
            ("http://rh.localhost", Origin("http", "rh.localhost", 80), "http://rh.localhost"),
        ],
    )
    def test_public_url_is_an_origin(self, folder: Path, text: str, origin: Origin, again: str) -> None:
        public_url = load_with(folder, {"gateway": {"public_url": text}}).gateway.public_url
        assert public_url == origin
        assert str(public_url) == again

    @pytest.mark.parametrize(
        "text, address",
        [
            ("127.0.0.1:0", ListenAddress("127.0.0.1", 0)),
            ("[::]:8080", ListenAddress("::", 8080)),
            ("localhost:65535", ListenAddress("localhost", 65535)),
        ],
    )
    def test_listen_is_an_address_and_a_port(self, folder: Path, text: str, address: ListenAddress) -> None:
        assert load_with(folder, {"gateway": {"listen": text}}).gateway.listen == address

    def test_two_free_ports_do_not_collide(self, folder: Path) -> None:
        changes = {"gateway": {"listen": "127.0.0.1:0"}, "observe": {"listen": "127.0.0.1:0"}}
        assert load_with(folder, changes).observe.listen.port == 0

    @pytest.mark.parametrize(
        "text",
        ["http://legacy:80", "https://legacy:8443", "http://legacy:80/base", "unix:/run/app.sock"],
    )
    def test_an_upstream_is_an_address(self, folder: Path, text: str) -> None:
        assert load_with(folder, {"apps": [{"upstream": text}]}).apps[0].upstream == (read_address(text),)

    @pytest.mark.parametrize(
        "text, store",
        [
            ("memory:", MemoryStore()),
            ("sqlite:///var/lib/gateway/sessions.db", SqliteStore("/var/lib/gateway/sessions.db")),
            ("sqlite:////var/lib/gateway/sessions.db", SqliteStore("/var/lib/gateway/sessions.db")),
            ("redis://redis", RedisStore("redis://redis")),
            ("redis://gateway@redis:6379/0", RedisStore("redis://gateway@redis:6379/0")),
            ("rediss://[::1]:6380", RedisStore("rediss://[::1]:6380")),
            ("redis+unix:///run/redis.sock", RedisStore("unix:///run/redis.sock")),
        ],
    )
    def test_a_store_is_one_of_three_kinds(
        self, folder: Path, text: str, store: MemoryStore | SqliteStore | RedisStore
    ) -> None:
        assert load_with(folder, {"sessions": {"store": text}}).sessions.store == store

    @pytest.mark.parametrize(
        "environment, network, domain",
        [
            (Environment.INTEGRATION, Network.INTERNET, "fca.integ01.dev-agentconnect.fr"),
            (Environment.INTEGRATION, Network.RIE, "fca.integ02.agentconnect.rie.gouv.fr"),
            (Environment.PRODUCTION, Network.INTERNET, "auth.agentconnect.gouv.fr"),
            (Environment.PRODUCTION, Network.RIE, "auth.agentconnect.rie.gouv.fr"),
        ],
    )
    def test_proconnect_s_issuer_follows_from_environment_and_network(
        self, folder: Path, environment: str, network: str, domain: str
    ) -> None:
        provider = load_with(folder, {"provider": {"environment": environment, "network": network}}).provider
        assert provider is not None
        assert provider.issuer == f"https://{domain}/api/v2"

    def test_proconnect_s_issuer_can_be_another(self, folder: Path) -> None:
        provider = load_with(folder, {"provider": {"issuer": "https://op.example/a/"}}).provider
        assert provider is not None
        assert provider.issuer == "https://op.example/a/"

    def test_another_provider_has_other_defaults(self, folder: Path) -> None:
        changes = {"profile": "oidc", "environment": "(absent)", "issuer": "https://op.example"}
        provider = load_with(folder, {"provider": changes}).provider
        assert provider is not None
        assert provider.scope == ("openid", "email", "profile")
        assert provider.userinfo_signed_response_alg == "none"
        assert provider.token_endpoint_auth_method == "client_secret_basic"

    def test_another_provider_may_sign_with_ps256_and_answer_elsewhere(self, folder: Path) -> None:
        changes = {
            "profile": "oidc",
            "environment": "(absent)",
            "issuer": "https://op.example",
            "id_token_signed_response_alg": "PS256",
            "endpoint_origins": ["https://tokens.example"],
        }
        provider = load_with(folder, {"provider": changes}).provider
        assert provider is not None
        assert provider.id_token_signed_response_alg == "PS256"
        assert provider.endpoint_origins == (Origin("https", "tokens.example", 443),)

    def test_the_section_provider_is_the_one_named_default(self, folder: Path) -> None:
        settings = load_with(folder, {"providers": {"rh": BASE["provider"]}})
        assert list(settings.all_providers) == ["default", "rh"]

    def test_providers_may_all_have_names(self, folder: Path) -> None:
        apps = [{"upstream": "http://legacy", "provider": "rh"}]
        changes = {"provider": "(absent)", "providers": {"rh": BASE["provider"]}, "apps": apps}
        assert list(load_with(folder, changes).all_providers) == ["rh"]

    def test_an_app_without_host_and_name_has_those_of_public_url(self, folder: Path) -> None:
        apps = [{"upstream": "http://one", "host": "RH.example"}, {"upstream": "http://two"}]
        settings = load_with(folder, {"apps": apps})
        assert [app.host for app in settings.apps] == ["rh.example", "demarches.example.gouv.fr"]
        assert [app.name for app in settings.apps] == ["rh.example", "demarches.example.gouv.fr"]

    def test_a_route_asks_people_to_sign_in_unless_it_says_otherwise(self, folder: Path) -> None:
        apps = [{"upstream": "http://one", "routes": [{"path": "/a"}]}]
        (route,) = load_with(folder, {"apps": apps}).apps[0].routes
        assert (route.access, route.exact, route.methods) == (Access.SIGNED_IN, False, None)

    @pytest.mark.parametrize(
        "first, second",
        [
            ({"path": "/a", "exact": True}, {"path": "/a"}),
            ({"path": "/a", "methods": ["GET"]}, {"path": "/a"}),
            ({"path": "/a", "methods": ["GET"]}, {"path": "/a", "methods": ["GET", "POST"]}),
            ({"path": "/a"}, {"path": "/ab"}),
            ({"path": "/a/b"}, {"path": "/a"}),
        ],
    )
    def test_a_route_may_follow_one_that_decides_about_less(
        self, folder: Path, first: dict[str, object], second: dict[str, object]
    ) -> None:
        apps = [{"upstream": "http://one", "routes": [first, second]}]
        assert len(load_with(folder, {"apps": apps}).apps[0].routes) == 2

    @pytest.mark.parametrize(
        "first, second",
        [
            ({"path": "/a/*", "exact": True}, {"path": "/a/*/b"}),
            ({"path": "/a/*/b"}, {"path": "/a/**/b"}),
            ({"path": "/a/*.pdf", "exact": True}, {"path": "/a"}),
        ],
    )
    def test_a_pattern_may_come_before_what_it_does_not_cover(
        self, folder: Path, first: dict[str, object], second: dict[str, object]
    ) -> None:
        apps = [{"upstream": "http://one", "routes": [first, second]}]
        assert len(load_with(folder, {"apps": apps}).apps[0].routes) == 2

    def test_what_a_rule_requires_is_read_as_it_is_compared(self, folder: Path) -> None:
        require = {
            "email": ["Alice@Example.FR"],
            "email_domain": ["*.Example.FR", "example.fr"],
            "claims": {"a:b": ["Re\u0301serve\u0301"]},
            "any": [{"siret": ["13002526500013"]}, {"acr": ["mfa"], "roles": ["agent_public"]}],
            "not": {"email": ["bob@example.fr"]},
        }
        apps = [{"upstream": "http://one", "routes": [{"path": "/a", "require": require}]}]
        read = load_with(folder, {"apps": apps}).apps[0].routes[0].require
        assert read is not None
        assert (read.email, read.email_domain) == (("alice@example.fr",), ("*.example.fr", "example.fr"))
        assert read.claims == {"a:b": ("Réservé",)}
        assert [dict(group.given()) for group in read.alternatives or ()] == [
            {"siret": ("13002526500013",)},
            {"acr": ("mfa",), "roles": ("agent_public",)},
        ]
        assert read.excluded is not None
        assert read.excluded.email == ("bob@example.fr",)

    def test_the_environment_says_what_a_rule_requires(self, folder: Path) -> None:
        environ = {
            "GATEWAY_APPS__0__ROUTES__0__PATH": "/a",
            "GATEWAY_APPS__0__ROUTES__0__REQUIRE__SIRET": "13002526500013,21340126800130",
            "GATEWAY_APPS__0__ROUTES__0__REQUIRE__NOT__ROLES": '["agent_public"]',
        }
        require = load_with(folder, environ=environ).apps[0].routes[0].require
        assert require is not None
        assert require.siret == ("13002526500013", "21340126800130")
        assert require.excluded is not None
        assert require.excluded.roles == ("agent_public",)

    def test_settings_cannot_be_changed(self, folder: Path) -> None:
        settings = load_with(folder)
        with pytest.raises(ValidationError, match="frozen"):
            settings.gateway.drain_timeout = 1  # type: ignore[misc]

    def test_settings_do_not_show_their_secrets(self, folder: Path) -> None:
        assert SECRET not in repr(load_with(folder))


class TestDangers:
    def test_none_is_on_by_default(self, folder: Path) -> None:
        assert dangers(load_with(folder)) == ()

    def test_each_that_is_on_is_named(self, folder: Path) -> None:
        dangerous = {**BASE["provider"], "issuer": "http://op.example", "danger_http_issuer": True}
        settings = load_with(
            folder,
            {
                "gateway": {"public_url": "http://intranet.example", "danger_plain_http": True},
                "provider": dangerous,
                "providers": {"rh": dangerous},
            },
        )
        assert dangers(settings) == (
            "gateway.danger_plain_http",
            "provider.danger_http_issuer",
            "providers.rh.danger_http_issuer",
        )


class TestSchema:
    def test_an_editor_learns_names_choices_and_secrets(self) -> None:
        definitions = settings_json_schema()["$defs"]
        assert definitions["Provider"]["additionalProperties"] is False
        assert definitions["Provider"]["properties"]["client_secret"]["writeOnly"] is True
        assert definitions["Sessions"]["properties"]["idle_lifetime"]["default"] == "1h"
        assert definitions["Access"]["enum"] == ["public", "optional", "signed-in", "deny"]

    def test_a_file_may_give_each_secret_instead(self) -> None:
        required = {
            name for model in settings_json_schema()["$defs"].values() for name in model.get("required", ())
        }
        assert required == {"public_url", "profile", "client_id", "upstream", "path", "label", "url"}
