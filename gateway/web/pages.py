"""The few pages that people see: values in, HTML out.

The templates are compiled in `web.page_templates`, before anybody asks; the sentences are in `web.languages`.
Status codes, header fields and the choice of page are the handlers' work. Every value shown is escaped; a URL
was checked by whoever gives it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from gateway.errors import Fault
from gateway.web.assets import Asset
from gateway.web.branding import Branding, Conformity, contact_of, paragraphs
from gateway.web.languages import DEFAULT_LANGUAGE, LOCALES, error_text, preferred_language
from gateway.web.page_templates import THEME_ASSETS, compiled

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What each page is served with. A form's redirects are held to `form-action` too: see `Pages.onward`."""

PROVIDER_HELP: Final = "https://proconnect.crisp.help/fr/"
"""Where ProConnect helps people whom it could not sign in."""

SAME_PAGE: Final = ""
"""The address that a page has in the browser (RFC 3986 section 4.4), query and all, without repeating it:
that of a callback holds a code.
"""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSent:
    """A form that can be sent again.

    Args:
        target: where it was going, and where the page's own form leads.
        path: the same without its query, to be shown.
        octets: its size.
        value: what the page's own form holds, to say which form is meant and that this page was seen.
        forget_path: takes the POST that drops it.
    """

    target: str
    path: str
    octets: int
    value: str
    forget_path: str


_HOME: Final = "/"
_NO_HOME: Final = "host"  # the text for an address where no service is, and so no home page of one
_AT_THE_PROVIDER: Final = "provider-"  # begins the names of the texts about what happened there
_WHOEVER_ASKS: Final = frozenset({"route-denied"})  # Reasons that another account would not change
_KILO: Final = 1000


class Pages:
    """Every page, ready to be filled in; nothing is read from disk afterwards.

    Each method takes one of `languages` and the app's branding, and returns a whole HTML document.

    Args:
        assets_path: where `assets` are served; ends with a slash.
        brandings: those that will be asked for, if they have templates or files of their own.
        locales: the sentences of each language.
    """

    __slots__ = ("_assets_path", "_environments", "_locales", "assets", "languages")

    def __init__(
        self,
        assets_path: str = "/_gateway/assets/",
        brandings: Iterable[Branding] = (),
        locales: Mapping[str, Mapping[str, Any]] = LOCALES,
    ) -> None:
        known = (Branding(), *brandings)
        self._assets_path: Final = assets_path
        self._locales: Final = locales
        self.languages: Final = (
            DEFAULT_LANGUAGE,
            *(language for language in locales if language != DEFAULT_LANGUAGE),
        )
        self._environments: Final = {
            (theme, own): compiled(theme, own, assets_path=assets_path)
            for theme, own in {(branding.theme, branding.templates) for branding in known}
        }
        used = (*chain(*THEME_ASSETS.values()), *chain(*(branding.assets for branding in known)))
        self.assets: Final[Mapping[str, Asset]] = {asset.served_name: asset for asset in used}

    def language(self, accept_language: str | None) -> str:
        """The language for a browser that sends this `Accept-Language`."""
        return preferred_language(accept_language, self.languages)

    def sign_in(self, language: str, *, branding: Branding, sign_in_url: str, form: str | None = None) -> str:
        """What the service is, who may enter, and the one button that starts a sign-in.

        Args:
            language: one of `languages`.
            branding: the app's.
            sign_in_url: where the button leads.
            form: what became of the form that was sent, `kept` or `lost`; None when none was.
        """
        return self._render(
            "sign_in",
            language,
            branding,
            official_button=branding.provider_name is None,
            proconnect_mark=self._served(branding.proconnect_mark),
            who_may_enter=branding.who_may_enter,
            sign_in_url=sign_in_url,
            form=form,
            notice=paragraphs(branding.notice or ""),
            other_ways=branding.other_ways,
        )

    def form(
        self,
        language: str,
        *,
        branding: Branding,
        text: str,
        page_url: str,
        sent: FormSent | None = None,
    ) -> str:
        """A form that was kept: whether to send it again, or why it is not there.

        Args:
            language: one of `languages`.
            branding: the app's.
            text: which sentences: `ask`, `sent`, `gone` or `other-person`.
            page_url: the page that it came from.
            sent: the form, where it is there.
        """
        return self._render(
            "form",
            language,
            branding,
            text=text,
            page_url=page_url,
            sent=sent,
            size=_size(self._locales[language]["common"], sent.octets) if sent else None,
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
            language: one of `languages`.
            branding: the app's.
            fault: what went wrong; the page says no more about it than the person needs.
            status: the answer's status code, shown beside the reference.
            request_id: the reference.
            retry_url: where trying again begins; None or `/` leads to the service's home page, and says so;
                SAME_PAGE asks for the same again.
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
            language: one of `languages`.
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
            level_names=self._locales[language]["levels"],
        )

    def sign_out(
        self, language: str, *, branding: Branding, sign_out_path: str, here_path: str, return_url: str
    ) -> str:
        """The question before a sign-out that the person did not plainly ask for: from where, or not at all.

        Args:
            language: one of `languages`.
            branding: the app's.
            sign_out_path: takes the POST that signs out of the service and of the provider.
            here_path: takes the POST that signs out of the service alone.
            return_url: where whoever stays goes.
        """
        return self._render(
            "sign_out",
            language,
            branding,
            sign_out_path=sign_out_path,
            here_path=here_path,
            return_url=return_url,
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
        locale = self._locales[language]
        sentences = locale[template]
        if text is not None:
            sentences = sentences.get(text, sentences["unexpected"])
        common = locale["common"]
        service = branding.service_name
        names = {
            "provider": branding.provider_name or "ProConnect",
            "service": common["named_service"].replace("{name}", service)
            if service
            else common["this_service"],
        }
        page = {key: sentence.format_map(names) for key, sentence in sentences.items()}
        heading = service or common["heading"]
        subject = f"{page['title']}, {heading}, {reference}" if reference else ""
        provider_helps = branding.provider_name is None and (text or "").startswith(_AT_THE_PROVIDER)
        return self._environments[branding.theme, branding.templates][f"{template}.html"].render(
            language=language,
            own_language=None if language == branding.language else branding.language,
            theme=branding.theme.value,
            common=common,
            page=page,
            heading=heading,
            heading_language=branding.language if service and language != branding.language else None,
            owner=branding.organisation,
            logo=self._served(branding.logo),
            logo_alt=branding.logo_alt,
            accent=self._served(branding.accent.style if branding.accent else None),
            contact=contact_of(branding.contact, subject=subject),
            provider_help=PROVIDER_HELP if provider_helps else None,
            legal=_legal(branding, common),
            reference=reference,
            status=status,
            **values,
        )

    def _served(self, asset: Asset | None) -> str | None:
        return None if asset is None else self._assets_path + asset.served_name


def _size(common: Mapping[str, str], octets: int) -> str:
    """A size in the words of a language, rounded up so that nothing is 0."""
    return f"{octets} {common['octets']}" if octets < _KILO else f"{-(-octets // _KILO)} {common['kilo']}"


@dataclass(frozen=True, slots=True)
class _LegalLink:
    label: str
    url: str | None


def _legal(branding: Branding, common: Mapping[str, str]) -> tuple[_LegalLink, ...]:
    """The links that a public service's pages end with; how far it conforms is said without a link too."""
    conformity: Conformity | None = branding.conformity
    accessibility = common[f"conformity_{conformity}"] if conformity else common["accessibility"]
    links = (
        (branding.legal_notice, common["legal_notice"]),
        (branding.accessibility or (conformity and ""), accessibility),
        (branding.personal_data, common["personal_data"]),
    )
    return tuple(_LegalLink(label, url or None) for url, label in links if url is not None)
