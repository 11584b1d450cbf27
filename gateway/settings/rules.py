"""The settings of one rule: the paths it is about, what it requires, and what a sign-in for it suggests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from gateway.access.hints import Hint, is_hint
from gateway.access.policy import Access
from gateway.settings.conditions import IdpId, Require, Siret
from gateway.settings.faults import wrong
from gateway.settings.values import Flag, FromText, Method, RoutePath, Section, Some, Text


def _login_hint(text: str) -> str:
    if not is_hint(Hint.LOGIN, text):
        raise wrong("must be an e-mail address in ASCII")
    return text


LoginHint = Annotated[str, FromText(_login_hint, "an e-mail address")]


class Hints(Section):
    """What a sign-in suggests to the provider."""

    idp_hint: IdpId | None = None
    login_hint: LoginHint | None = None
    siret_hint: Siret | None = None

    def given(self) -> dict[str, str]:
        """Each hint that is there, by its parameter's name."""
        return {name: value for name, value in self if value is not None}


class Route(Section):
    """One rule of an app. `path` covers whole segments beneath it unless `exact`; `methods` None is all."""

    exact: Flag = False
    path: RoutePath = Field(examples=["/assets/"])
    methods: Annotated[tuple[Method, ...], Some] | None = None
    access: Access = Access.SIGNED_IN
    require: Require | None = None
    mode: Literal["enforce", "shadow"] = "enforce"
    silent_sign_in: Flag = False
    refusal: Text | None = None
    hints: Hints = Field(default_factory=Hints)

    @field_validator("mode")
    @classmethod
    def _only_where_something_is_tried(cls, mode: str, info: ValidationInfo) -> str:
        if mode == "shadow" and info.data.get("require", ...) is None:
            raise wrong("counts only with require", "say what is to be tried, or remove it", got="")
        return mode

    @field_validator("silent_sign_in")
    @classmethod
    def _only_optional(cls, silent: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's
        if silent and info.data.get("access") is not Access.OPTIONAL:
            raise wrong(
                f'counts only with access = "{Access.OPTIONAL}"', "change access, or remove it", got=""
            )
        return silent

    @field_validator("path")
    @classmethod
    def _no_pattern_for_all_beneath(cls, path: str, info: ValidationInfo) -> str:
        above, _, last = path.rstrip("/").rpartition("/")
        exact = info.data.get("exact") is True
        if last == "**" or (last == "*" and not exact):
            remedy = f'write "{above}/", which covers everything beneath it'
            raise wrong("ends with a pattern", remedy + (", or add exact = true" if last == "*" else ""))
        return path

    @field_validator("require")
    @classmethod
    def _only_signed_in(cls, require: Require | None, info: ValidationInfo) -> Require | None:
        if require is not None and info.data.get("access", Access.SIGNED_IN) is not Access.SIGNED_IN:
            raise wrong(f'counts only with access = "{Access.SIGNED_IN}"', "change access, or remove it")
        return require

    @field_validator("refusal")
    @classmethod
    def _only_where_somebody_is_refused(cls, refusal: str | None, info: ValidationInfo) -> str | None:
        access = info.data.get("access", Access.SIGNED_IN)
        refuses = access is Access.DENY or info.data.get("require", ...) is not None
        if refusal is not None and not refuses:
            raise wrong(
                "is never said, because this rule refuses nobody", "add require, or remove it", got=""
            )
        return refusal
