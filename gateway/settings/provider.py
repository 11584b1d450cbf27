"""The settings of one provider, and of the client registered there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, ValidationInfo, field_validator

from gateway.oidc.client_keys import NO_KEYS, ClientKeys, read_client_keys
from gateway.oidc.profiles import ISSUERS, PROFILES, Environment, Network, ProfileName
from gateway.secret import Secret
from gateway.settings.faults import WAITS, wrong
from gateway.settings.urls import HttpOrigin, Issuer, Origin
from gateway.settings.values import (
    Duration,
    Flag,
    FromText,
    Scope,
    SecretText,
    Section,
    Text,
    default,
    duration,
)

IdTokenAlg: TypeAlias = Literal["RS256", "ES256", "HS256", "PS256"]
UserinfoAlg: TypeAlias = Literal["RS256", "ES256", "HS256", "PS256", "none"]
AuthMethod: TypeAlias = Literal["client_secret_post", "client_secret_basic", "private_key_jwt"]
AssertionAlg: TypeAlias = Literal["ES256", "RS256", "PS256"]

_SHORTEST_HS256_KEY = 32  # octets, RFC 7518 section 3.2


def _by_profile(fact: str) -> Any:  # noqa: ANN401 - stands where the field's type does
    """A default that the provider's profile gives."""
    return Field(default_factory=lambda before: getattr(PROFILES[before["profile"]], fact))


def _client_key(text: str) -> ClientKeys:
    if not text:
        return NO_KEYS
    try:
        return read_client_keys(text)
    except ValueError as error:
        raise wrong(str(error), 'make one with "proconnect-gateway key new"', got="") from None


ClientKey: TypeAlias = Annotated[ClientKeys, FromText(_client_key, "private keys in PEM", secret=True)]


class Provider(Section):
    """A provider and the client registered there. Times are seconds."""

    profile: ProfileName = Field(examples=["proconnect"])
    danger_http_issuer: Flag = False
    environment: Environment | None = default(None)
    network: Network = Network.INTERNET
    issuer: Issuer = default("")
    client_id: Text = Field(examples=["the identifier that the provider gave"])
    id_token_signed_response_alg: IdTokenAlg = "RS256"  # noqa: S105 - an algorithm
    userinfo_signed_response_alg: UserinfoAlg = _by_profile("userinfo_signed_response_alg")
    token_endpoint_auth_method: AuthMethod = _by_profile("token_endpoint_auth_method")
    client_key: ClientKey = default("")
    client_key_file: Path | None = None
    token_endpoint_auth_signing_alg: AssertionAlg | None = default(None)
    client_assertion_audience: Literal["issuer", "token_endpoint"] = "issuer"
    response_mode: Literal["query", "form_post"] = "query"
    require_pushed_authorization_requests: Flag = False
    scope: Scope = _by_profile("scope")
    client_secret: SecretText = default("")
    client_secret_file: Path | None = None
    endpoint_origins: tuple[HttpOrigin, ...] = ()
    metadata_refresh: Duration = default("10m")
    key_cooldown: Duration = default("30s")
    timeout: Duration = default("10s")
    clock_skew: Annotated[int, duration(least=0, most=300)] = default("30s")
    refresh: Flag = False
    refresh_interval: Duration | None = None
    backchannel_logout: Flag = _by_profile("backchannel_logout")
    ca_file: Path | None = None

    @field_validator("environment")
    @classmethod
    def _where_it_counts(cls, environment: Environment | None, info: ValidationInfo) -> Environment | None:
        match info.data.get("profile"), environment:
            case ProfileName.PROCONNECT, None:
                raise wrong("required", 'add environment = "integration" or "production"', got="")
            case ProfileName.OIDC, Environment():
                raise wrong(f"counts only with profile {ProfileName.PROCONNECT}", "remove it", got="")
            case _:
                return environment

    @field_validator("network")
    @classmethod
    def _only_proconnect(cls, network: Network, info: ValidationInfo) -> Network:
        if info.data.get("profile") is ProfileName.OIDC:
            raise wrong(f"counts only with profile {ProfileName.PROCONNECT}", "remove it", got="")
        return network

    @field_validator("issuer", mode="before")
    @classmethod
    def _known_or_given(cls, issuer: object, info: ValidationInfo) -> object:
        if issuer != "":
            return issuer
        if info.data.get("profile") is ProfileName.OIDC:
            raise wrong("required", 'add issuer = "https://..." as the provider publishes it', got="")
        try:
            return ISSUERS[info.data["environment"], info.data["network"]]
        except KeyError:
            raise WAITS from None

    @field_validator("issuer")
    @classmethod
    def _https(cls, issuer: str, info: ValidationInfo) -> str:
        if issuer.startswith("http:") and not info.data.get("danger_http_issuer"):
            raise wrong("must be an https URL")
        return issuer

    @field_validator("id_token_signed_response_alg", "userinfo_signed_response_alg")
    @classmethod
    def _registrable(cls, alg: str, info: ValidationInfo) -> str:
        profile = info.data.get("profile")
        if profile and alg not in (*PROFILES[profile].signing_algs, "none"):
            raise wrong(f"cannot be registered with profile {profile}")
        return alg

    @field_validator("token_endpoint_auth_method")
    @classmethod
    def _keys_are_registrable(cls, method: str, info: ValidationInfo) -> str:
        if method == "private_key_jwt" and info.data.get("profile") is ProfileName.PROCONNECT:
            raise wrong(f"cannot be registered with profile {ProfileName.PROCONNECT}")
        return method

    @field_validator("client_key")
    @classmethod
    def _for_assertions(cls, keys: ClientKeys, info: ValidationInfo) -> ClientKeys:
        match info.data.get("token_endpoint_auth_method"), keys == NO_KEYS:
            case "private_key_jwt", True:
                raise wrong("required", "give client_key_file, or client_key", got="")
            case str() as method, False if method != "private_key_jwt":
                raise wrong("counts only with private_key_jwt", "remove it", got="")
            case _:
                return keys

    @field_validator("token_endpoint_auth_signing_alg")
    @classmethod
    def _of_the_key(cls, alg: str | None, info: ValidationInfo) -> str | None:
        keys = info.data.get("client_key")
        if keys is None:
            raise WAITS
        if alg is not None and alg not in keys.algs:
            raise wrong("is not what client_key_file signs with", f"it can be {' or '.join(keys.algs)}")
        return alg or next(iter(keys.algs), None)

    @field_validator("response_mode", "require_pushed_authorization_requests", "refresh")
    @classmethod
    def _only_oidc(cls, value: str | bool, info: ValidationInfo) -> str | bool:  # noqa: FBT001 - pydantic's
        if value not in ("query", False) and info.data.get("profile") is ProfileName.PROCONNECT:
            raise wrong(f"counts only with profile {ProfileName.OIDC}", "remove it", got="")
        return value

    @field_validator("refresh_interval")
    @classmethod
    def _of_refreshed_sessions(cls, interval: int | None, info: ValidationInfo) -> int | None:
        if interval is not None and not info.data.get("refresh"):
            raise wrong("counts only with refresh = true", "add it, or remove this", got="")
        return interval

    @field_validator("client_secret")
    @classmethod
    def _strong_enough(cls, secret: Secret, info: ValidationInfo) -> Secret:
        by_key = info.data.get("token_endpoint_auth_method") == "private_key_jwt"
        if not secret and not by_key:
            raise wrong("required", "give client_secret_file, or client_secret", got="")
        algs = {info.data.get("id_token_signed_response_alg"), info.data.get("userinfo_signed_response_alg")}
        if "HS256" in algs and len(secret.reveal().encode()) < _SHORTEST_HS256_KEY:
            raise wrong(
                f"must have at least {_SHORTEST_HS256_KEY} characters, because HS256 signs with it", got=""
            )
        return secret

    @field_validator("endpoint_origins")
    @classmethod
    def _https_and_oidc(cls, origins: tuple[Origin, ...], info: ValidationInfo) -> tuple[Origin, ...]:
        if origins and info.data.get("profile") is ProfileName.PROCONNECT:
            raise wrong(f"counts only with profile {ProfileName.OIDC}", "remove it", got="")
        if any(origin.scheme == "http" for origin in origins) and not info.data.get("danger_http_issuer"):
            raise wrong("must be https URLs")
        return origins
