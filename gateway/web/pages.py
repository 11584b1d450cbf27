"""The few pages that people see: values in, HTML out.

Templates, style and images stand beside this module and are read once, when it is imported or a `Pages` is
made; the sentences are in `web.languages`. Status codes, header fields and the choice of page are the
handlers' work. Every value shown is escaped; a URL was checked by whoever gives it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jinja2 import DictLoader, Environment, StrictUndefined

from gateway.errors import Fault
from gateway.web.languages import LOCALES, error_text

_HERE: Final = Path(__file__).parent

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What each page is served with. A form's redirects are held to `form-action` too: see `Pages.onward`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """How an app presents itself on the pages.

    Args:
        service_name: its name.
        contact: whom people turn to; an e-mail address or https URL becomes a link, other text is shown.
        who_may_enter: who it is for, in a sentence or a few lines.
        provider_name: who signs its people in; None is ProConnect, with its official button.
    """

    service_name: str | None = None
    contact: str | None = None
    who_may_enter: str | None = None
    provider_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """A level of assurance that a sign-in did not reach.

    Args:
        asked: what was asked for: the name of a set, or levels of which one was needed.
        came: the level that the person has; None when nobody said.
        still_signed_in: whether the person was signed in before, and still is.
        retry_url: where trying again begins.
    """

    asked: tuple[str, ...]
    came: str | None
    still_signed_in: bool
    retry_url: str


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that the pages refer to."""

    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class _Contact:
    text: str
    href: str | None


_CONTENT_TYPES: Final = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


def _hashed_names(folder: Path) -> dict[str, str]:
    """Each file's name to the name it is served under, which changes with its content."""
    return {
        path.name: f"{path.stem}.{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}{path.suffix}"
        for path in sorted(folder.iterdir())
    }


_ASSET_NAMES: Final = _hashed_names(_HERE / "static")

ASSETS: Final = {
    served: Asset((_HERE / "static" / name).read_bytes(), _CONTENT_TYPES[Path(name).suffix])
    for name, served in _ASSET_NAMES.items()
}
"""Every asset by the name it is served under, which holds a hash of its content: to be kept for ever."""

_HOME: Final = "/"
_NO_HOME: Final = "host"  # the text for an address where no service is, and so no home page of one
_WHOEVER_ASKS: Final = frozenset({"route-denied"})  # Reasons that another account would not change
_EMAIL: Final = re.compile(r"[^\s@:]+@[^\s@:]+")


class Pages:
    """Every page, ready to be filled in; nothing is read from disk afterwards.

    Each method takes one of `LANGUAGES` and the app's branding, and returns a whole HTML document.

    Args:
        assets_path: where `ASSETS` are served; ends with a slash.
    """

    __slots__ = ("_templates",)

    def __init__(self, assets_path: str = "/_gateway/assets/") -> None:
        files = (_HERE / "templates").glob("*.html")
        environment = Environment(
            loader=DictLoader({path.name: path.read_text("utf-8") for path in files}),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals["asset"] = lambda name: assets_path + _ASSET_NAMES[name]
        self._templates: Final = {
            name: environment.get_template(name) for name in environment.list_templates()
        }

    def sign_in(self, language: str, *, branding: Branding, sign_in_url: str) -> str:
        """What the service is, who may enter, and the one button that starts a sign-in."""
        return self._render(
            "sign_in",
            language,
            branding,
            official_button=branding.provider_name is None,
            who_may_enter=branding.who_may_enter,
            sign_in_url=sign_in_url,
        )

    def error(
        self,
        language: str,
        *,
        branding: Branding,
        fault: Fault,
        status: int,
        request_id: str,
        retry_url: str | None,
    ) -> str:
        """What happened, what to do now, and the reference to give when asking for help.

        Args:
            language: one of `LANGUAGES`.
            branding: the app's.
            fault: what went wrong; the page says no more about it than the person needs.
            status: the answer's status code, shown beside the reference.
            request_id: the reference.
            retry_url: where trying again begins; None or `/` leads to the service's home page, and says so.
        """
        text = error_text(fault)
        return self._render(
            "error",
            language,
            branding,
            text=text,
            reference=request_id,
            status=status,
            retry_url=None if retry_url == _HOME else retry_url,
            home_url=None if text == _NO_HOME else _HOME,
        )

    def refusal(
        self,
        language: str,
        *,
        branding: Branding,
        reason: str,
        person: str | None,
        organisation: str | None,
        request_id: str,
        sign_out_path: str,
        sentence: str | None = None,
        levels: Levels | None = None,
    ) -> str:
        """Why the policy refuses, whom it refuses, whom to ask, and the way to another account.

        Args:
            language: one of `LANGUAGES`.
            branding: the app's.
            reason: the Reason; one without sentences of its own gets the general ones.
            person: the account; with neither it nor an organisation, nobody is signed in.
            organisation: its organisation.
            request_id: the reference to give when asking for help.
            sign_out_path: takes the POST that signs out.
            sentence: the administrator's own explanation.
            levels: the levels of assurance that matter; without it, none does.
        """
        return self._render(
            "refusal",
            language,
            branding,
            text=reason,
            reference=request_id,
            account_matters=reason not in _WHOEVER_ASKS,
            person=person,
            organisation=organisation,
            signed_in=bool(person or organisation) if levels is None else levels.still_signed_in,
            sign_out_path=sign_out_path,
            home_url=_HOME,
            sentence=sentence,
            levels=levels,
            level_names=LOCALES[language]["levels"],
        )

    def sign_out(self, language: str, *, branding: Branding, sign_out_path: str, return_url: str) -> str:
        """The question before a sign-out that the person did not plainly ask for: one POST, or back."""
        return self._render(
            "sign_out", language, branding, sign_out_path=sign_out_path, return_url=return_url
        )

    def signed_out(self, language: str, *, branding: Branding, provider_too: bool, home_url: str) -> str:
        """What is signed out of and what may still be open: the provider's session, other services."""
        return self._render("signed_out", language, branding, provider_too=provider_too, home_url=home_url)

    def onward(self, language: str, *, branding: Branding, url: str) -> str:
        """Send the browser to the provider after a sign-out form was sent.

        A redirect would be held to the form's `form-action`, and the provider redirects to sites that nobody
        here knows. The refresh in this page is a new navigation; without it, the page's link does the same.
        """
        return self._render("onward", language, branding, url=url)

    def _render(
        self,
        template: str,
        language: str,
        branding: Branding,
        *,
        text: str | None = None,
        reference: str | None = None,
        status: int | None = None,
        **values: object,
    ) -> str:
        """Fill in a template; `text` names the sentences, where it can show more than one set of them."""
        sentences = LOCALES[language][template]
        if text is not None:
            sentences = sentences.get(text, sentences["unexpected"])
        common = LOCALES[language]["common"]
        service = branding.service_name
        names = {
            "provider": branding.provider_name or "ProConnect",
            "service": common["named_service"].replace("{name}", service)
            if service
            else common["this_service"],
        }
        return self._templates[f"{template}.html"].render(
            language=language,
            common=common,
            page={key: sentence.format_map(names) for key, sentence in sentences.items()},
            heading=service or common["heading"],
            contact=_contact(branding.contact),
            reference=reference,
            status=status,
            **values,
        )


def _contact(contact: str | None) -> _Contact | None:
    if not contact:
        return None
    if contact.startswith("https://"):
        return _Contact(text=contact.removeprefix("https://").rstrip("/"), href=contact)
    if _EMAIL.fullmatch(contact):
        return _Contact(text=contact, href="mailto:" + quote(contact, safe="@+"))
    return _Contact(text=contact, href=None)
