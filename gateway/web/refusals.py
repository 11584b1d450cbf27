"""The pages that tell a person why the policy refuses them, and what they can do."""

from __future__ import annotations

from aiohttp import web

from gateway.access.assurance import in_words
from gateway.access.policy import Route
from gateway.access.requirements import Reason
from gateway.sessions.session import Claims, Session, SignedIn
from gateway.web.answers import Answers
from gateway.web.notes import NOTES
from gateway.web.pages import Levels
from gateway.web.site import Site


def refusal_page(
    answers: Answers,
    request: web.Request,
    site: Site,
    *,
    switch_path: str,
    route: Route,
    reason: Reason,
    session: Session,
) -> web.Response:
    """403: which condition does not hold, for which account, and the way to another one."""
    claims = session.claims if isinstance(session, SignedIn) else {}
    html = answers.pages.refusal(
        answers.language(request),
        branding=site.branding,
        reason=reason.value,
        person=_text(claims, "email"),
        organisation=_text(claims, "organization_label"),
        request_id=request[NOTES].request_id,
        sign_out_path=switch_path,
        sentence=route.refusal,
    )
    return answers.page(html, status=web.HTTPForbidden.status_code)


def level_page(
    answers: Answers,
    request: web.Request,
    site: Site,
    *,
    switch_path: str,
    asked: tuple[str, ...],
    came: Claims | None,
    session: Session,
    retry: str,
) -> web.Response:
    """403 after a sign-in: which level of assurance was asked for, and which one came.

    Args:
        answers: makes the answer.
        request: the callback's.
        site: the application.
        switch_path: takes the POST that signs out, to come back with another account.
        asked: the levels of which one was needed.
        came: the claims of who came back; None when the provider let nobody come back.
        session: who was signed in before, and still is.
        retry: where trying again begins.
    """
    before = session.claims if isinstance(session, SignedIn) else {}
    claims = before if came is None else came
    html = answers.pages.refusal(
        answers.language(request),
        branding=site.branding,
        reason=Reason.ACR_TOO_LOW.value,
        person=_text(claims, "email"),
        organisation=_text(claims, "organization_label"),
        request_id=request[NOTES].request_id,
        sign_out_path=switch_path,
        levels=Levels(
            asked=in_words(asked),
            came=_text(claims, "acr"),
            still_signed_in=isinstance(session, SignedIn),
            retry_url=retry,
        ),
    )
    return answers.page(html, status=web.HTTPForbidden.status_code)


def _text(claims: Claims, name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) else None
