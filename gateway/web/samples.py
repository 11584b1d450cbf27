"""Every page, filled in for nobody: to try an administrator's templates with, and to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jinja2 import TemplateError, TemplateSyntaxError

from gateway.access.requirements import Reason
from gateway.errors import Fault
from gateway.web.branding import Branding, Link, Templates
from gateway.web.languages import DEFAULT_LANGUAGE, error_text
from gateway.web.page_templates import TEMPLATE_NAMES
from gateway.web.pages import FormSent, Levels, Pages

_REQUEST_ID: Final = "3f9a1c5e7b20-1a"
_PERSON: Final = "camille.martin@prefecture.example.gouv.fr"
_ORGANISATION: Final = "Préfecture du Finistère"
_SIGN_OUT: Final = "/_gateway/sign-out"
_SIGN_IN: Final = "/_gateway/sign-in?return_to=/"
_END_SESSION: Final = "https://provider.example/session/end?state=s"
_TOO_LOW: Final = Levels(asked=("mfa",), came="eidas1", still_signed_in=True, retry_url=_SIGN_IN)
_NOT_YET: Final = Levels(asked=("eidas2", "eidas3"), came=None, still_signed_in=False, retry_url=_SIGN_IN)
_SENT: Final = FormSent(
    target="/demandes/42?etape=2",
    path="/demandes/42",
    octets=4_321,
    value="v",
    forget_path="/_gateway/forget",
)
_REFUSALS: Final = tuple(
    reason for reason in Reason if reason not in {Reason.PUBLIC, Reason.OPTIONAL, Reason.SIGNED_IN}
)
_STATUS: Final = 503


def sample_pages(pages: Pages, language: str, branding: Branding) -> Mapping[str, str]:
    """Every page as HTML by a name: each template, and each set of sentences that one can show."""
    errors = {
        f"error-{error_text(fault)}": pages.error(
            language,
            branding=branding,
            fault=fault,
            status=_STATUS,
            request_id=_REQUEST_ID,
            retry_url=_SIGN_IN,
        )
        for fault in Fault
    }
    refusals = {
        f"refusal-{reason}": _refusal(pages, language, branding, reason=reason.value) for reason in _REFUSALS
    }
    return {
        "sign-in": pages.sign_in(language, branding=branding, sign_in_url=_SIGN_IN),
        **{
            f"sign-in-form-{fate}": pages.sign_in(
                language, branding=branding, sign_in_url=_SIGN_IN, form=fate
            )
            for fate in ("kept", "lost")
        },
        "form-ask": pages.form(language, branding=branding, text="ask", page_url="/form", sent=_SENT),
        **{
            f"form-{text}": pages.form(language, branding=branding, text=text, page_url="/form")
            for text in ("sent", "gone", "other-person")
        },
        **refusals,
        "refusal-sentence": _refusal(
            pages,
            language,
            branding,
            reason=Reason.OTHER_ORGANISATION.value,
            sentence="Ce service est réservé aux agents de la préfecture du Morbihan.",
        ),
        "refusal-level": _refusal(
            pages, language, branding, reason=Reason.ACR_TOO_LOW.value, levels=_TOO_LOW
        ),
        "refusal-level-of-nobody": _refusal(
            pages, language, branding, reason=Reason.ACR_TOO_LOW.value, levels=_NOT_YET, nobody=True
        ),
        "sign-out": pages.sign_out(
            language,
            branding=branding,
            sign_out_path=_SIGN_OUT,
            here_path=f"{_SIGN_OUT}?only=here",
            return_url="/",
        ),
        "signed-out": pages.signed_out(language, branding=branding, provider_too=True, home_url="/"),
        "signed-out-here": pages.signed_out(language, branding=branding, provider_too=False, home_url="/"),
        "onward": pages.onward(language, branding=branding, url=_END_SESSION),
        **errors,
    }


def _refusal(
    pages: Pages,
    language: str,
    branding: Branding,
    *,
    reason: str,
    sentence: str | None = None,
    levels: Levels | None = None,
    nobody: bool = False,
) -> str:
    return pages.refusal(
        language,
        branding=branding,
        reason=reason,
        person=None if nobody else _PERSON,
        organisation=None if nobody else _ORGANISATION,
        request_id=_REQUEST_ID,
        sign_out_path=_SIGN_OUT,
        sentence=sentence,
        levels=levels,
    )


def template_problems(own: Templates) -> list[tuple[str, str]]:
    """What is wrong with an administrator's templates, as problems with their remedies."""
    known = TEMPLATE_NAMES
    unknown = [name for name, _ in own.sources if name not in known and not name.startswith("_")]
    if unknown:
        remedy = f"the pages have {', '.join(sorted(known))}; begin the name of a part of your own with _"
        return [(f"{name} stands in for no page", remedy) for name in unknown]
    full = Branding(
        templates=own,
        service_name="Service",
        contact="aide@service.example.gouv.fr",
        who_may_enter="Les agents.",
        notice="Une phrase.",
        other_ways=(Link("Compte local", "/"),),
        legal_notice="/",
    )
    try:
        for branding in (full, Branding(templates=own, provider_name="Annuaire")):
            sample_pages(Pages(brandings=[branding]), DEFAULT_LANGUAGE, branding)
    except TemplateSyntaxError as error:
        return [(f"{error.name} line {error.lineno}: {error.message}", "")]
    except TemplateError as error:
        return [(f"a template cannot be filled in: {error}", "compare it with the one that it stands in for")]
    except KeyError as error:
        return [(f"a template asks for the file {error}, which is not there", "put it into assets")]
    return []
