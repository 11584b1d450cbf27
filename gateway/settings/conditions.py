"""The settings of what a rule requires: conditions on claims, alternatives to them, and exclusions.

A condition that no person can meet is a fault where the rule alone tells; what takes the provider's settings
to tell is in `settings.combinations`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Self, TypeAlias
from unicodedata import normalize

from pydantic import Field, ValidationInfo, field_validator, model_validator

from gateway.access.assurance import levels
from gateway.access.hints import Hint, is_hint
from gateway.access.requirements import Key, is_in_domain, read_email
from gateway.settings.faults import wrong
from gateway.settings.values import FromText, Section, Some

_LEVEL = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,255}")  # RFC 6749 section 3.3, as in acr_values
_DOMAIN = re.compile(r"(?:\*\.)?(?P<domain>[^\s@*]+)")
_CLAIM = re.compile(r"[\x20-\x7E]{1,100}")


def _plain_text(text: str) -> str:
    if not text or not text.isprintable() or text != text.strip():
        raise wrong("must be one line of text, not empty, without spaces around it")
    return normalize("NFC", text)


def _level(text: str) -> str:
    if not _LEVEL.fullmatch(text):
        raise wrong("must be one level of assurance, without spaces or quotes")
    return text


def _siret(text: str) -> str:
    if not is_hint(Hint.SIRET, text):
        raise wrong("must be a SIRET, 14 digits without spaces")
    return text


def _siren(text: str) -> str:
    if not re.fullmatch(r"[0-9]{9}", text):
        raise wrong("must be a SIREN, 9 digits without spaces")
    return text


def _email(text: str) -> str:
    email = read_email(text)
    if email is None:
        raise wrong("must be an e-mail address in ASCII")
    return email


def _email_domain(text: str) -> str:
    match = _DOMAIN.fullmatch(text)
    domain = match["domain"].lower() if match else ""
    if read_email(f"a@{domain}") is None:
        remedy = f'write "{text[1:]}"' if text.startswith("@") else ""
        raise wrong(
            'must be a domain such as "example.gouv.fr", or "*.example.gouv.fr" for those below it', remedy
        )
    return text.lower()


def _idp_id(text: str) -> str:
    if not is_hint(Hint.IDP, text):
        raise wrong("must be the identifier of an identity provider (idp_id)")
    return text


def _claim(name: str) -> str:
    if not _CLAIM.fullmatch(name):
        raise wrong("must be the name of a claim")
    if name in set(Key) - {Key.CLAIMS.value}:
        raise wrong("has a condition of its own", f"write require.{name}")
    return name


PlainText = Annotated[str, FromText(_plain_text, "a text")]
Level = Annotated[str, FromText(_level, "a level of assurance")]
Siret = Annotated[str, FromText(_siret, "a SIRET", pattern="^[0-9]{14}$")]
Siren = Annotated[str, FromText(_siren, "a SIREN", pattern="^[0-9]{9}$")]
Email = Annotated[str, FromText(_email, "an e-mail address")]
EmailDomain = Annotated[str, FromText(_email_domain, "a domain")]
IdpId = Annotated[str, FromText(_idp_id, "an identifier")]
ClaimName = Annotated[str, FromText(_claim, "a claim's name", pattern=f"^{_CLAIM.pattern}$")]
PlainTexts: TypeAlias = Annotated[tuple[PlainText, ...], Some]


_SINGLE: Final = (
    Key.ACR,
    Key.SIRET,
    Key.SIREN,
    Key.IDP_ID,
    Key.EMAIL,
    Key.ORGANIZATIONAL_UNIT,
    Key.BELONGING_POPULATION,
)
"""What a person has one of, so that two conditions on it need a value in common."""


def _meet(key: Key, one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> bool:
    """Tell whether one value can meet two conditions on a key; what is left out asks nothing."""
    if not one or not other:
        return True
    read = levels if key is Key.ACR else tuple
    return not set(read(one)).isdisjoint(read(other))


def _why_never(given: Mapping[str, Any]) -> str:
    """Why nobody meets all these conditions, by their names; empty when somebody may."""
    sirets, sirens = given.get(Key.SIRET), given.get(Key.SIREN)
    if sirets and sirens and not any(siret.startswith(sirens) for siret in sirets):
        return "no siret in it begins with a siren in it"
    domains = {email.partition("@")[2] for email in given.get(Key.EMAIL) or ()}
    wanted = given.get(Key.EMAIL_DOMAIN)
    if domains and wanted and not any(is_in_domain(domain, w) for domain in domains for w in wanted):
        return "no email in it is of an email_domain in it"
    return ""


class Conditions(Section):
    """Conditions that must all hold. The values of one are alternatives; what is left out asks nothing."""

    acr: Annotated[tuple[Level, ...], Some] | None = None
    amr: PlainTexts | None = None
    siret: Annotated[tuple[Siret, ...], Some] | None = None
    siren: Annotated[tuple[Siren, ...], Some] | None = None
    roles: PlainTexts | None = None
    idp_id: Annotated[tuple[IdpId, ...], Some] | None = None
    email: Annotated[tuple[Email, ...], Some] | None = None
    email_domain: Annotated[tuple[EmailDomain, ...], Some] | None = None
    organizational_unit: PlainTexts | None = None
    belonging_population: PlainTexts | None = None
    claims: Annotated[dict[ClaimName, PlainTexts], Some] | None = None

    def given(self) -> Iterator[tuple[Key, tuple[str, ...]]]:
        """Each condition that is there, but for `claims`."""
        for key in Key:
            values = getattr(self, key)
            if key is not Key.CLAIMS and values is not None:
                yield key, values

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise wrong("must not be empty", "remove it: a rule without it asks people to sign in, no more")
        return self

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        why = _why_never(dict(self))
        if why:
            raise wrong(f"can never hold, because {why}")
        return self


class Require(Conditions):
    """What a rule requires: its own conditions, all those of one group of `any`, not all those of `not`."""

    alternatives: Annotated[tuple[Conditions, ...], Some] | None = Field(default=None, alias="any")
    excluded: Conditions | None = Field(default=None, alias="not")

    @field_validator("alternatives")
    @classmethod
    def _each_can_hold(
        cls, alternatives: tuple[Conditions, ...] | None, info: ValidationInfo
    ) -> tuple[Conditions, ...] | None:
        for number, group in enumerate(alternatives or ()):
            own = {name: values for name, values in group if values is not None}
            apart = [key for key in _SINGLE if not _meet(key, own.get(key), info.data.get(key))]
            why = f"no {apart[0]} in it is required beside it" if apart else _why_never({**info.data, **own})
            if why:
                raise wrong(f"[{number}] can never hold, because {why}", "correct it, or remove it", got="")
        return alternatives

    @field_validator("excluded")
    @classmethod
    def _leaves_somebody(cls, excluded: Conditions | None, info: ValidationInfo) -> Conditions | None:
        if excluded is None:
            return None
        if excluded.acr is not None:
            raise wrong("cannot exclude levels of assurance", "list those that are enough in require.acr")
        for key, values in excluded.given():
            wanted = info.data.get(key)
            alone = len(excluded.model_fields_set) == 1
            if alone and wanted and set(wanted) <= set(values):
                raise wrong(f"can never hold, because it excludes every value of {key} that is required")
        return excluded
