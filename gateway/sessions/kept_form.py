"""A form that came after its session had ended, sealed until the same person has signed in again.

Who "the same person" is says `sessions.last_person`. What may be kept, where and how often is
`web.kept_forms`' affair.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from gateway.sessions.return_to import ReturnTo, parse_return_to
from gateway.sessions.seal import Box, Purpose, Sealer

_NAME: Final = "gateway-form-"
_KEYS: Final = "gateway:form:"
_BITS: Final = 32  # octets
_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_LENGTH: Final = 4  # octets that say how long the description before the body is

FORM_ID: Final = re.compile(r"[0-9a-f]{8}")
"""What a form is called in links, and in the name of its cookie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForm:
    """A form as it was sent.

    Args:
        host: the host it was sent to.
        target: path and query, byte for byte.
        person: who sent it, as `person_of` names them.
        page: the page it was sent from, or the home page.
        fields: the fields of the request that describe the body and that page, byte for byte.
        body: as it came.
        token: shown on the page that asks for the form to be sent again, and nowhere else.
        places: the places that it takes up among the forms that may be kept.
    """

    host: str
    target: str
    person: str
    page: ReturnTo
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes = field(repr=False)
    token: str = field(repr=False)
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FormCookie:
    """The browser's handle to one form: 256 random bits that nothing but the browser keeps.

    Args:
        bits: 32 octets.
    """

    bits: bytes = field(repr=False)

    @property
    def value(self) -> str:
        """The cookie's value: 43 characters of base64url (RFC 4648 section 5)."""
        return urlsafe_b64encode(self.bits).rstrip(b"=").decode()

    @property
    def key(self) -> str:
        """What the store calls the form."""
        return _KEYS + urlsafe_b64encode(sha256(self.bits).digest()).rstrip(b"=").decode()

    @property
    def id(self) -> str:
        """What the form is called in links."""
        return sha256(self.key.encode()).hexdigest()[:8]

    def seal(self, form: KeptForm, *, sealer: Sealer, random: Callable[[int], bytes]) -> bytes:
        """The form, sealed for these bits and bound to its key."""
        described = json.dumps(_described(form), separators=(",", ":")).encode()
        plain = len(described).to_bytes(_LENGTH, "big") + described + form.body
        return self._box(sealer).seal(plain, bound_to=self.key.encode(), random=random)

    def open(self, sealed: bytes, *, sealer: Sealer, own_prefix: str) -> KeptForm | None:
        """Read what `seal` made for these bits; None for anything else.

        Args:
            sealed: from the store.
            sealer: opens it.
            own_prefix: what the gateway's own paths begin with.
        """
        plain = self._box(sealer).open(sealed, bound_to=self.key.encode())
        if plain is None:
            return None
        end = _LENGTH + int.from_bytes(plain[:_LENGTH], "big")
        return _form(json.loads(plain[_LENGTH:end]), plain[end:], own_prefix)

    def _box(self, sealer: Sealer) -> Box:
        return sealer.box(Purpose.KEPT_FORM, bits=self.bits)


def new_form_cookie(random: Callable[[int], bytes]) -> FormCookie:
    """Draw the handle to a new form; `random` gives that many unpredictable octets."""
    return FormCookie(random(_BITS))


def form_cookie_name(form_id: str, *, secure: bool) -> str:
    """The name of a form's cookie; on https with the prefix that no other host can set."""
    return f"{'__Host-' if secure else ''}{_NAME}{form_id}"


def find_form_cookie(cookies: Mapping[str, str], form_id: str, *, secure: bool) -> FormCookie | None:
    """The handle to a form among a browser's cookies; None without one, or when it is another form's."""
    value = cookies.get(form_cookie_name(form_id, secure=secure), "")
    if not _VALUE.fullmatch(value):
        return None
    cookie = FormCookie(urlsafe_b64decode(value + "="))
    return cookie if cookie.id == form_id else None


def _described(form: KeptForm) -> dict[str, object]:
    return {
        "host": form.host,
        "target": form.target,
        "person": form.person,
        "page": form.page.target,
        "fields": [[text.decode("latin-1") for text in pair] for pair in form.fields],
        "token": form.token,
        "places": form.places,
    }


def _form(described: Any, body: bytes, own_prefix: str) -> KeptForm | None:  # noqa: ANN401 - whatever JSON held
    match described:
        case {
            "host": str(host),
            "target": str(target),
            "person": str(person),
            "page": str(page),
            "fields": list(fields),
            "token": str(token),
            "places": list(places),
        }:
            return KeptForm(
                host=host,
                target=target,
                person=person,
                page=parse_return_to(page, own_prefix=own_prefix),
                fields=tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields),
                body=body,
                token=token,
                places=tuple(places),
            )
        case _:  # sealed by a gateway of another version
            return None
