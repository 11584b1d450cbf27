"""How an application presents itself on the pages: its words, its colours, its links, its templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from gateway.web.assets import Asset
from gateway.web.colours import Accent


class Theme(StrEnum):
    """What the pages look like."""

    NEUTRAL = "neutral"
    DSFR = "dsfr"  # the State's design system, for services of the State alone


class Conformity(StrEnum):
    """How far a service conforms to the RGAA, which its pages must say (décret n° 2019-768, article 6)."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Link:
    """A link whose address was checked: https, or a path on the same host."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Templates:
    """Templates and further files of an administrator's own; they go before those of the theme."""

    sources: tuple[tuple[str, str], ...] = ()
    assets: tuple[Asset, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """How an app presents itself on the pages.

    Args:
        service_name: its name.
        contact: whom people turn to; an e-mail address or https URL becomes a link, other text is shown.
        who_may_enter: who it is for, in a sentence or a few lines.
        provider_name: who signs its people in; None is ProConnect, with its official button.
        language: the language of these texts, a tag of RFC 5646 in lower case.
        theme: what the pages look like.
        templates: the administrator's own.
        organisation: whose service it is, as the lines of its name.
        logo: its image; decoration, unless `logo_alt` says what it shows.
        logo_alt: what the image says to people who do not see it.
        proconnect_mark: the mark on ProConnect's button.
        accent: the colour of buttons and links in the neutral theme.
        notice: paragraphs on the sign-in page; `[label](address)` and bare https addresses become links.
        other_ways: other ways in than the button.
        legal_notice: where the legal notice is.
        accessibility: where the accessibility statement is.
        conformity: what it states.
        personal_data: where it is said what becomes of personal data.
    """

    service_name: str | None = None
    contact: str | None = None
    who_may_enter: str | None = None
    provider_name: str | None = None
    language: str = "fr"
    theme: Theme = Theme.NEUTRAL
    templates: Templates = Templates()
    organisation: tuple[str, ...] = ()
    logo: Asset | None = None
    logo_alt: str = ""
    proconnect_mark: Asset | None = None
    accent: Accent | None = None
    notice: str | None = None
    other_ways: tuple[Link, ...] = ()
    legal_notice: str | None = None
    accessibility: str | None = None
    conformity: Conformity | None = None
    personal_data: str | None = None

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The files that only its pages refer to."""
        own = (self.logo, self.proconnect_mark, self.accent.style if self.accent else None)
        return (*(asset for asset in own if asset is not None), *self.templates.assets)


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom people turn to; without an address it is text alone."""

    text: str
    href: str | None


_EMAIL: Final = re.compile(r"[^\s@:]+@[^\s@:]+")


def contact_of(contact: str | None, *, subject: str) -> Contact | None:
    """A contact as a link where that is safe to follow; with a subject, an e-mail begins with it."""
    if not contact:
        return None
    if contact.startswith("https://"):
        return Contact(text=contact.removeprefix("https://").rstrip("/"), href=contact)
    if _EMAIL.fullmatch(contact):
        about = f"?subject={quote(subject, safe='')}" if subject else ""
        return Contact(text=contact, href=f"mailto:{quote(contact, safe='@+')}{about}")
    return Contact(text=contact, href=None)


_LINKED: Final = re.compile(
    r"\[(?P<label>[^\[\]]+)\]\((?P<target>(?:https://|/)[^\s()]*)\)|(?P<bare>https://[^\s()<>]*[^\s()<>.,;:!?»])"
)
_BLANK_LINES: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def paragraphs(text: str) -> tuple[tuple[Link | str, ...], ...]:
    """Plain text as paragraphs, which blank lines part; each is texts and links in their order."""
    return tuple(tuple(_pieces(part.strip())) for part in _BLANK_LINES.split(text.strip()) if part.strip())


def _pieces(text: str) -> Iterator[Link | str]:
    at = 0
    for found in _LINKED.finditer(text):
        if found.start() > at:
            yield text[at : found.start()]
        bare = found["bare"]
        yield Link(bare.removeprefix("https://"), bare) if bare else Link(found["label"], found["target"])
        at = found.end()
    if at < len(text):
        yield text[at:]
