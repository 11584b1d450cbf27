"""The settings as frozen values: every section, every setting, its type and its default.

`config/gateway.toml` says what each is for; a test holds the two together. Checks that need two settings of
one section stand beside them, those that need two sections in `settings.combinations`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from gateway.access.identity import Encoding
from gateway.secret import Secret
from gateway.settings.faults import wrong
from gateway.settings.provider import Provider
from gateway.settings.rules import Hints, Route
from gateway.settings.urls import Host, HttpOrigin, Listen, Origin, RedisStore, Store, Upstream
from gateway.settings.values import (
    Contact,
    Count,
    Duration,
    Flag,
    Name,
    NetworkRange,
    OwnPath,
    SecretLines,
    SecretText,
    Section,
    Some,
    Text,
    default,
    duration,
)

DEFAULT_PROVIDER = "default"
"""The name of the provider in the section `provider`."""


class Gateway(Section):
    """The gateway's own addresses and keys. Times are seconds.

    `secret` holds the newest first; it is empty only with the memory store, where one is drawn at start.
    """

    danger_plain_http: Flag = False
    public_url: HttpOrigin = Field(examples=["https://demarches.example.gouv.fr"])
    listen: Listen = default("0.0.0.0:8080")
    trusted_proxies: tuple[NetworkRange, ...] = ()
    secret: SecretLines = Field(default_factory=tuple)
    secret_file: Path | None = None
    path: OwnPath = default("/_gateway/")
    drain_timeout: Annotated[int, duration(least=0)] = default("30s")

    @field_validator("public_url")
    @classmethod
    def _https_or_local(cls, origin: Origin, info: ValidationInfo) -> Origin:
        if origin.scheme == "http" and not origin.local and not info.data.get("danger_plain_http"):
            raise wrong("must be an https URL", "cookies would cross the network in clear")
        return origin


class Sessions(Section):
    """Where sessions are kept, and how long they live, in seconds."""

    store: Store = default("memory:")
    store_password: SecretText | None = None
    store_password_file: Path | None = None
    store_sentinel_password: SecretText | None = None
    store_sentinel_password_file: Path | None = None
    store_ca_file: Path | None = None
    store_cert_file: Path | None = None
    store_key_file: Path | None = default(None)
    idle_lifetime: Duration = default("1h")
    absolute_lifetime: Duration = default("12h")

    @field_validator("store_password")
    @classmethod
    def _only_redis(cls, password: Secret, info: ValidationInfo) -> Secret:
        if not password:
            raise wrong("must not be empty")
        if "store" in info.data and not isinstance(info.data["store"], RedisStore):
            raise wrong("counts only with a Redis store", "remove it", got="")
        return password

    @field_validator("store_sentinel_password")
    @classmethod
    def _only_sentinels(cls, password: Secret, info: ValidationInfo) -> Secret:
        if not password:
            raise wrong("must not be empty")
        if "store" in info.data and "+sentinel:" not in getattr(info.data["store"], "url", ""):
            raise wrong("counts only with redis+sentinel://", "remove it", got="")
        return password

    @field_validator("store_ca_file", "store_cert_file", "store_key_file")
    @classmethod
    def _only_tls(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        store = info.data.get("store")
        if path is not None and store is not None and not (isinstance(store, RedisStore) and store.tls):
            raise wrong(
                "counts only with a Redis store over TLS", "write rediss instead of redis, or remove it"
            )
        if info.field_name == "store_key_file" and (path is None) != (
            info.data.get("store_cert_file") is None
        ):
            raise wrong("goes together with store_cert_file", "give both, or neither", got="")
        return path

    @field_validator("absolute_lifetime")
    @classmethod
    def _not_below_idle(cls, absolute: int, info: ValidationInfo) -> int:
        if absolute < info.data.get("idle_lifetime", 0):
            raise wrong("must not be shorter than idle_lifetime")
        return absolute


class App(Section):
    """An application behind the gateway. Times are seconds; `host` and `name` are filled in by `load`."""

    name: Text = ""
    host: Host = ""
    upstream: Upstream = Field(examples=["http://legacy:80"])
    provider: Name = DEFAULT_PROVIDER
    sign_in: Literal["page", "redirect"] = "page"
    encoding: Encoding = Encoding.PERCENT
    remote_user: Text = "email"
    service_name: Text | None = None
    who_may_enter: Text | None = None
    contact: Contact | None = None
    refusal: Text | None = None
    hints: Hints = Field(default_factory=Hints)
    allow_hints: tuple[Literal["idp_hint", "login_hint", "siret_hint"], ...] = ()
    preserve_host: Flag = True
    connect_timeout: Duration = default("5s")
    first_byte_timeout: Duration = default("60s")
    idle_timeout: Duration = default("60s")
    max_connections: Count = 100
    routes: tuple[Route, ...] = ()


class Log(Section):
    """How the log is written."""

    format: Literal["json", "console"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Observe(Section):
    """Where `alive`, `ready` and `metrics` answer."""

    listen: Listen = default("127.0.0.1:9090")


class Settings(Section):
    """Everything that is set, as `load` makes it."""

    gateway: Gateway = default({})
    provider: Provider | None = None
    providers: dict[Name, Provider] = Field(default_factory=dict)
    sessions: Sessions = default({})
    apps: Annotated[tuple[App, ...], Some]
    log: Log = default({})
    observe: Observe = default({})

    @property
    def all_providers(self) -> dict[str, Provider]:
        """Every provider by its name; the section `provider` is the one named `default`."""
        return {**({DEFAULT_PROVIDER: self.provider} if self.provider else {}), **self.providers}


def settings_json_schema() -> dict[str, Any]:
    """The JSON Schema of the settings file, for editors."""
    return Settings.model_json_schema()


def dangers(settings: Settings) -> tuple[str, ...]:
    """The opt-outs that are switched on, to be logged at each start: `gateway.danger_plain_http`."""
    return tuple(_dangers(settings, ""))


def _dangers(section: object, place: str) -> Iterator[str]:
    match section:
        case Section():
            for name, value in section:
                if name.startswith("danger_") and value:
                    yield f"{place}.{name}".lstrip(".")
                yield from _dangers(value, f"{place}.{name}".lstrip("."))
        case Mapping():
            for name, value in section.items():
                yield from _dangers(value, f"{place}.{name}")
        case tuple():
            for index, value in enumerate(section):
                yield from _dangers(value, f"{place}[{index}]")
        case _:
            pass
