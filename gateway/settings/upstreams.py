"""The settings of what is behind an app: where it listens, how it is reached, and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo, field_validator
from pydantic_core import CoreSchema, core_schema

from gateway.proxy.target import UpstreamAddress
from gateway.settings.faults import wrong
from gateway.settings.urls import read_host, read_upstream
from gateway.settings.values import Count, Duration, Flag, FromText, RoutePath, Section, default

OVER_TLS: Final = frozenset(
    {"upstream_server_name", "upstream_ca_file", "upstream_cert_file", "upstream_key_file"}
)


CARRIED_ELSEWHERE: Final = "forward-auth"
"""In place of an address: a front server carries the bytes, and asks."""


class _Addresses:
    """One address, or a list of several that stand for the same application; none, if carried elsewhere."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate by `_read`."""
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """To an editor it is text, or a list of texts."""
        return {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]}

    @staticmethod
    def _read(value: object) -> tuple[UpstreamAddress, ...]:
        if value == CARRIED_ELSEWHERE:
            return ()
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise wrong("must be a URL, as text, or a list of them")
        addresses = tuple(map(read_upstream, texts))
        if len(set(addresses)) < len(addresses):
            raise wrong("names an address twice")
        if len({(address.tls, address.base) for address in addresses}) > 1:
            raise wrong(
                "must be addresses of one application",
                "give all of them the same scheme and path; for another, add [[apps.upstreams]]",
            )
        return addresses


Addresses = Annotated[tuple[UpstreamAddress, ...], _Addresses()]


def _server_name(text: str) -> str:
    name = read_host(text)
    if name.startswith("["):
        raise wrong("must be a name, not an address")
    return name


ServerName = Annotated[str, FromText(_server_name, "a host name")]


def _plain_path(path: str) -> str:
    if "*" in path:
        raise wrong("must be a plain path, without asterisks")
    if not path.strip("/"):
        raise wrong("is every path", "write the upstream of every other path in the app itself")
    return path


class Behind(Section):
    """How an upstream is reached, and how long it may take. Times are seconds."""

    upstream: Addresses = Field(examples=["http://legacy:80"])
    upstream_server_name: ServerName | None = None
    upstream_ca_file: Path | None = None
    upstream_cert_file: Path | None = None
    upstream_key_file: Path | None = default(None)
    preserve_host: Flag = True
    connect_timeout: Duration = default("5s")
    first_byte_timeout: Duration = default("60s")
    idle_timeout: Duration = default("60s")
    quiet_timeout: Duration = default("1h")
    total_timeout: Duration | None = None
    wait_timeout: Duration = default("10s")
    keep_alive_timeout: Duration = default("30s")
    set_aside: Duration = default("10s")
    max_connections: Count = 100
    max_waiting: Count = 1024
    max_tunnels: Count = 8192

    @field_validator("upstream_key_file")
    @classmethod
    def _key_of_a_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        return _paired(key, info.data)


class UpstreamBelow(Section):
    """Another upstream for the paths beneath one. What is left out is as in the app."""

    path: RoutePath = Field(examples=["/api/"])
    strip_prefix: Flag = False
    upstream: Addresses = Field(examples=["http://api:8000"])
    upstream_server_name: ServerName | None = None
    upstream_ca_file: Path | None = None
    upstream_cert_file: Path | None = None
    upstream_key_file: Path | None = default(None)
    preserve_host: Flag | None = None
    first_byte_timeout: Duration | None = None
    idle_timeout: Duration | None = None
    total_timeout: Duration | None = None
    max_connections: Count | None = None

    @field_validator("path")
    @classmethod
    def _plain(cls, path: str) -> str:
        return _plain_path(path)

    @field_validator("upstream_key_file")
    @classmethod
    def _key_of_a_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        return _paired(key, info.data)

    @field_validator(*OVER_TLS)
    @classmethod
    def _only_https(cls, value: object, info: ValidationInfo) -> object:
        addresses = info.data.get("upstream")
        if value is not None and addresses and not addresses[0].tls:
            raise wrong("counts only with an https upstream", "write https, or remove it")
        return value

    def over(self, app: Behind) -> Behind:
        """How this upstream is reached: as the app's own, but for what is given here."""
        given = {name: getattr(self, name) for name in Behind.model_fields if hasattr(self, name)}
        kept = {name: getattr(app, name) for name in Behind.model_fields}
        return Behind.model_construct(
            **{**kept, **{n: value for n, value in given.items() if value is not None}}
        )


def _paired(key: Path | None, before: Mapping[str, Any]) -> Path | None:
    if (key is None) != (before.get("upstream_cert_file") is None):
        raise wrong("goes together with upstream_cert_file", "give both, or neither", got="")
    return key
