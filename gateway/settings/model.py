"""The settings as frozen values: every section, every setting, its type and its default.

`config/gateway.toml` says what each is for; a test holds the two together. Checks that need two settings of
one section stand beside them, those that need two sections in `settings.combinations`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator

from gateway.secret import Secret
from gateway.settings.faults import wrong
from gateway.settings.fields import Told
from gateway.settings.page import Page, Pages
from gateway.settings.provider import Provider
from gateway.settings.rules import Hints, Route
from gateway.settings.upstreams import Behind, UpstreamBelow
from gateway.settings.urls import HostPattern, HttpOrigin, Listen, Origin, RedisStore, Store
from gateway.settings.values import (
    Contact,
    Duration,
    Flag,
    Name,
    NetworkRange,
    OwnPath,
    SecretLines,
    SecretText,
    Section,
    Size,
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
    danger_python_parser: Flag = False
    public_url: HttpOrigin = Field(examples=["https://demarches.example.gouv.fr"])
    listen: Listen = default("0.0.0.0:8080")
    trusted_proxies: tuple[NetworkRange, ...] = ()
    secret: SecretLines = Field(default_factory=tuple)
    secret_file: Path | None = None
    path: OwnPath = default("/_gateway/")
    drain_timeout: Annotated[int, duration(least=0)] = default("30s")
    keep_alive_timeout: Duration = default("75s")
    max_fields: Annotated[int, Strict(), Field(ge=16, le=1024)] = 128
    max_field_size: Annotated[int, Strict(), Field(ge=4096, le=1024 * 1024)] = 16 * 1024

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
    store_timeout: Annotated[int, duration(most=60)] = default("2s")
    store_connections: Annotated[int, Strict(), Field(ge=1, le=1024)] = 32
    idle_lifetime: Duration = default("1h")
    absolute_lifetime: Duration = default("12h")
    stale_lifetime: Annotated[int, duration(least=0)] = default("5m")

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


class Forms(Section):
    """What is kept of forms that come after their session has ended: octets of each, seconds, how many."""

    largest: Size = default("1MiB")
    lifetime: Annotated[int, duration(least=60, most=3600)] = default("10m")
    most: Annotated[int, Strict(), Field(ge=1, le=10_000)] = 200


class App(Behind, Told):
    """An application behind the gateway. Times are seconds; `host` and `name` are filled in by `load`."""

    name: Text = ""
    host: HostPattern = ""
    upstreams: tuple[UpstreamBelow, ...] = ()
    provider: Name = DEFAULT_PROVIDER
    sign_in: Literal["page", "redirect"] = "page"
    service_name: Text | None = None
    who_may_enter: Text | None = None
    contact: Contact | None = None
    refusal: Text | None = None
    page: Page = Field(default_factory=Page)
    hints: Hints = Field(default_factory=Hints)
    allow_hints: tuple[Literal["idp_hint", "login_hint", "siret_hint"], ...] = ()
    idle_lifetime: Duration | None = None
    absolute_lifetime: Duration | None = None
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
    forms: Forms = default({})
    apps: Annotated[tuple[App, ...], Some]
    pages: Pages = Field(default_factory=Pages)
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


def shadows(settings: Settings) -> tuple[str, ...]:
    """The rules that are tried and refuse nobody, to be logged at each start: `apps[0].routes[2]`."""
    return tuple(
        f"apps[{index}].routes[{number}]"
        for index, app in enumerate(settings.apps)
        for number, route in enumerate(app.routes)
        if route.mode == "shadow"
    )


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
