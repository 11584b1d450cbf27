"""What a route requires of the person who is signed in, and whether their claims hold it.

Each condition looks at one claim; its values are alternatives. Whether the route asks for somebody at all is
in `access.policy`, how conditions are written in `settings`.

An answer has three values: yes, no, and absent. A claim that is not there, empty, or of a shape or form that
cannot be compared is absent, and an absent claim passes nothing: `not` of it does not hold either.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.sessions.session import Claims


class Reason(StrEnum):
    """Why a decision fell as it did, as a closed list."""

    PUBLIC = "public"
    OPTIONAL = "optional"
    SIGNED_IN = "signed-in"
    NOT_SIGNED_IN = "not-signed-in"
    OTHER_PROVIDER = "other-provider"
    ROUTE_DENIED = "route-denied"
    # A condition of the route does not hold
    ACR_TOO_LOW = "acr-too-low"
    OTHER_METHOD = "other-method"
    OTHER_ORGANISATION = "other-organisation"
    OTHER_UNIT = "other-unit"
    OTHER_POPULATION = "other-population"
    ROLE_MISSING = "role-missing"
    OTHER_IDP = "other-idp"
    OTHER_ACCOUNT = "other-account"
    OTHER_EMAIL_DOMAIN = "other-email-domain"
    OTHER_CLAIM = "other-claim"
    NO_ALTERNATIVE = "no-alternative"
    EXCLUDED = "excluded"


class Key(StrEnum):
    """What a condition is called in the settings; but for `claims`, the claim that it looks at first."""

    ACR = "acr"
    AMR = "amr"
    SIRET = "siret"
    SIREN = "siren"
    ROLES = "roles"
    IDP_ID = "idp_id"
    EMAIL = "email"
    EMAIL_DOMAIN = "email_domain"
    ORGANIZATIONAL_UNIT = "organizational_unit"
    BELONGING_POPULATION = "belonging_population"
    CLAIMS = "claims"


class Answer(StrEnum):
    """Whether a condition holds."""

    YES = "yes"
    NO = "no"
    ABSENT = "absent"


_SIRET: Final = re.compile(r"[0-9]{14}")
_SIREN: Final = re.compile(r"[0-9]{9}")
_SIREN_DIGITS: Final = 9  # of a SIRET: the organisation; the other five are its establishment
_EMAIL: Final = re.compile(  # what HTML calls a valid e-mail address: no quotes, no comments, one @
    r"(?P<local>[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@(?P<domain>"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*)"
)
_LONGEST_EMAIL: Final = 254


def read_email(text: str) -> str | None:
    """An e-mail address in lower case; None for what some reader might take for another one.

    That is anything beyond ASCII, quotes and comments, a second `@`, a dot at the end, spaces around it.
    """
    return text.lower() if len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) else None


def _texts(value: object) -> tuple[str, ...]:
    """The texts of a claim; none when one of them is no text, empty, or not what it looks like."""
    values = value if isinstance(value, list) else [value]
    texts = [unicodedata.normalize("NFC", text) for text in values if isinstance(text, str)]
    sound = len(texts) == len(values) and all(t and t.isprintable() and t == t.strip() for t in texts)
    return tuple(texts) if sound else ()


def _text(claims: Claims, name: str) -> tuple[str, ...]:
    return () if isinstance(claims.get(name), list) else _texts(claims.get(name))


def _several(claims: Claims, name: str) -> tuple[str, ...]:
    return _texts(claims.get(name))


def _siret(claims: Claims, name: str) -> tuple[str, ...]:
    return tuple(text for text in _text(claims, name) if _SIRET.fullmatch(text))


def _siren(claims: Claims, name: str) -> tuple[str, ...]:
    """The claim, or the first nine digits of `siret` without it; none when the two do not agree."""
    told = {text[:_SIREN_DIGITS] for text in _siret(claims, Key.SIRET)}
    if claims.get(name) is not None:
        told.update(_text(claims, name) or ("",))
    return tuple(told) if len(told) == 1 and all(map(_SIREN.fullmatch, told)) else ()


def _email(claims: Claims, name: str) -> tuple[str, ...]:
    value = claims.get(name)
    email = read_email(value) if isinstance(value, str) else None
    return () if email is None else (email,)


def _domain(claims: Claims, name: str) -> tuple[str, ...]:
    return tuple(email.partition("@")[2] for email in _email(claims, name))


def _anything(claims: Claims, name: str) -> tuple[str, ...]:
    """Texts as they are, numbers and truth values as JSON writes them; tables cannot be compared."""
    value = claims.get(name)
    scalars = [
        json.dumps(item) if isinstance(item, bool | int | float) else item
        for item in (value if isinstance(value, list) else [value])
    ]
    return _texts(scalars)


def is_in_domain(domain: str, wanted: str) -> bool:
    """Tell whether a domain is the wanted one, or below it where `*.` is written before that."""
    return domain.endswith(wanted[1:]) if wanted.startswith("*.") else domain == wanted


def _is_same(text: str, wanted: str) -> bool:
    return text == wanted


@dataclass(frozen=True, slots=True)
class _Criterion:
    """How one key is judged.

    Args:
        reason: why it refuses.
        read: what there is to compare in the claims; nothing when the claim is absent.
        agrees: whether one of these is what one value of the condition means.
    """

    reason: Reason
    read: Callable[[Claims, str], tuple[str, ...]]
    agrees: Callable[[str, str], bool] = _is_same


_CRITERIA: Final[Mapping[Key, _Criterion]] = {
    Key.ACR: _Criterion(Reason.ACR_TOO_LOW, _text),
    Key.AMR: _Criterion(Reason.OTHER_METHOD, _several),
    Key.SIRET: _Criterion(Reason.OTHER_ORGANISATION, _siret),
    Key.SIREN: _Criterion(Reason.OTHER_ORGANISATION, _siren),
    Key.ROLES: _Criterion(Reason.ROLE_MISSING, _several),
    Key.IDP_ID: _Criterion(Reason.OTHER_IDP, _text),
    Key.EMAIL: _Criterion(Reason.OTHER_ACCOUNT, _email),
    Key.EMAIL_DOMAIN: _Criterion(Reason.OTHER_EMAIL_DOMAIN, _domain, is_in_domain),
    Key.ORGANIZATIONAL_UNIT: _Criterion(Reason.OTHER_UNIT, _text),
    Key.BELONGING_POPULATION: _Criterion(Reason.OTHER_POPULATION, _text),
    Key.CLAIMS: _Criterion(Reason.OTHER_CLAIM, _anything),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One claim, and the values of which one must be there.

    Args:
        key: how the claim is read and compared.
        values: at least one; levels of assurance, not the names of sets of them.
        claim: the claim's name.
    """

    key: Key
    values: tuple[str, ...]
    claim: str

    @classmethod
    def on(cls, key: Key, values: tuple[str, ...]) -> Condition:
        """A condition on the claim that a key is about."""
        return cls(key, values, (Key.EMAIL if key is Key.EMAIL_DOMAIN else key).value)

    def saw(self, claims: Claims) -> tuple[str, ...]:
        """What there is to compare; nothing when the claim is absent."""
        return _CRITERIA[self.key].read(claims, self.claim)

    def answer(self, claims: Claims) -> Answer:
        """Whether one of what there is agrees with one of the values."""
        seen = self.saw(claims)
        if not seen:
            return Answer.ABSENT
        agrees = _CRITERIA[self.key].agrees
        return Answer.YES if any(agrees(text, value) for text in seen for value in self.values) else Answer.NO

    @property
    def reason(self) -> Reason:
        """Why it refuses."""
        return _CRITERIA[self.key].reason

    def __str__(self) -> str:
        return f'claims."{self.claim}"' if self.key is Key.CLAIMS else self.key.value


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition, judged.

    Args:
        place: where it stands under `require`, such as `any[0].siret`.
        condition: what it asks for.
        saw: what there was to compare.
        answer: whether it holds.
    """

    place: str
    condition: Condition
    saw: tuple[str, ...]
    answer: Answer

    @property
    def excludes(self) -> bool:
        """Whether it stands under `not`."""
        return self.place.startswith("not.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Everything that one route requires. What is left empty requires nothing.

    Args:
        every: conditions that must all hold.
        alternatives: groups of conditions; all those of one group must hold (`any`).
        excluded: conditions that must not all hold (`not`).
    """

    every: tuple[Condition, ...] = ()
    alternatives: tuple[tuple[Condition, ...], ...] = ()
    excluded: tuple[Condition, ...] = ()

    def holds(self, claims: Claims) -> bool:
        """Tell whether a person with these claims may pass."""
        return not self.unmet(claims)

    def unmet(self, claims: Claims) -> tuple[Reason, ...]:
        """Why not, a Reason for each part that does not hold, in their order; the level of assurance last.

        A level can be raised, so that it is worth saying only when nothing else is in the way.
        """
        failing = [c.reason for c in self.every if c.answer(claims) is not Answer.YES]
        if self.alternatives and not any(_all(group, claims) is Answer.YES for group in self.alternatives):
            failing.append(Reason.NO_ALTERNATIVE)
        if self.excluded and _all(self.excluded, claims) is not Answer.NO:
            failing.append(Reason.EXCLUDED)
        return tuple(sorted(failing, key=lambda reason: reason is Reason.ACR_TOO_LOW))

    def levels_that_would_do(self, claims: Claims) -> tuple[str, ...]:
        """The levels of assurance with one of which a person with these claims would pass."""
        conditions = [*self.every, *(condition for group in self.alternatives for condition in group)]
        named = dict.fromkeys(v for c in conditions if c.key is Key.ACR for v in c.values)
        return tuple(level for level in named if self.holds({**claims, Key.ACR.value: level}))

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of assurance of which everybody needs one; empty when that depends on the person."""
        return next((c.values for c in self.every if c.key is Key.ACR), ())

    @property
    def claims(self) -> frozenset[str]:
        """The claims that some condition looks at."""
        return frozenset(condition.claim for _, condition in self._places())

    def findings(self, claims: Claims) -> tuple[Finding, ...]:
        """Every condition, judged."""
        return tuple(Finding(place, c, c.saw(claims), c.answer(claims)) for place, c in self._places())

    def _places(self) -> Iterator[tuple[str, Condition]]:
        yield from ((str(condition), condition) for condition in self.every)
        for number, group in enumerate(self.alternatives):
            yield from ((f"any[{number}].{condition}", condition) for condition in group)
        yield from ((f"not.{condition}", condition) for condition in self.excluded)


NOTHING_REQUIRED: Final = Requirement()


def _all(conditions: tuple[Condition, ...], claims: Claims) -> Answer:
    """Whether all of these hold: no as soon as one does not, absent while that is not known."""
    answers = {condition.answer(claims) for condition in conditions}
    return next((answer for answer in (Answer.NO, Answer.ABSENT) if answer in answers), Answer.YES)
