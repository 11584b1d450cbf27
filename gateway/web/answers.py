"""Every answer that the gateway makes itself: pages for people, problems (RFC 9457) for programs.

None of them may be kept by a cache, framed or sniffed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.access.request import host_of, is_navigation
from gateway.errors import Fault, GatewayError, RequestError
from gateway.web.branding import Branding
from gateway.web.notes import NOTES
from gateway.web.pages import CONTENT_SECURITY_POLICY, SAME_PAGE, Pages

RETRY_AFTER: Final = "5"  # seconds; for 503 (RFC 9110 section 10.2.3)

OWN_ANSWER_FIELDS: Final = {
    "Server": "proconnect-gateway",
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On each answer of the gateway's own, over whatever else it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Makes the gateway's own answers.

    Args:
        pages: the pages.
        branding_at: what the pages at a host are called; None for a host that is not ours.
        no_host: how the pages look for such a host.
        public_url: where somebody is sent who came to a host that is not ours.
    """

    pages: Pages
    branding_at: Callable[[str], Branding | None]
    no_host: Branding
    public_url: str

    def page(self, html: str, *, status: int = 200, fields: Mapping[str, str] | None = None) -> web.Response:
        """A page for a person."""
        return web.Response(
            text=html,
            status=status,
            content_type="text/html",
            charset="utf-8",
            headers={**(fields or {}), **OWN_ANSWER_FIELDS, "Vary": "Accept-Language, Cookie"},
        )

    def problem(
        self,
        request: web.Request,
        *,
        status: int,
        kind: str,
        members: Mapping[str, object] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> web.Response:
        """A problem for a program (RFC 9457).

        Args:
            request: the request that it answers.
            status: its status code.
            kind: the Fault or Reason, which becomes the problem's type.
            members: extension members.
            fields: fields of the answer.
        """
        problem = {
            "type": f"urn:proconnect-gateway:{kind}",
            "title": kind.replace("-", " "),
            "status": status,
            "request_id": request[NOTES].request_id,
            **(members or {}),
        }
        return web.Response(
            text=json.dumps(problem, ensure_ascii=False),
            status=status,
            content_type="application/problem+json",
            headers={**(fields or {}), **OWN_ANSWER_FIELDS},
        )

    def redirect(self, location: str) -> web.Response:
        """303 See Other (RFC 9110 section 15.4.4) to an address that was checked before."""
        return web.Response(status=303, headers={"Location": location, **OWN_ANSWER_FIELDS})

    def error(self, request: web.Request, error: GatewayError, *, retry: str | None = None) -> web.Response:
        """The answer to a request that an error ended; it names no detail.

        Args:
            request: the request.
            error: what ended it.
            retry: where the page's button leads; by default to the page asked for, where that may help.
        """
        fields = (
            {"Retry-After": RETRY_AFTER} if error.status == web.HTTPServiceUnavailable.status_code else {}
        )
        if error.status == web.HTTPMethodNotAllowed.status_code:
            fields["Allow"] = str(error.facts.get("allow", ""))
        if not is_navigation("GET", request.headers):
            return self.problem(request, status=error.status, kind=error.fault.value, fields=fields)
        html = self.pages.error(
            self.language(request),
            branding=self.branding(request),
            fault=error.fault,
            status=error.status,
            request_id=request[NOTES].request_id,
            retry_url=self._retry(request, error) if retry is None else retry,
        )
        return self.page(html, status=error.status, fields=fields)

    def language(self, request: web.Request) -> str:
        """The language of the person's browser, as far as there are pages in it."""
        return self.pages.language(request.headers.get("Accept-Language"))

    def branding(self, request: web.Request) -> Branding:
        """The branding of the host asked for; that of no app for a host that is not ours."""
        try:
            return self.branding_at(host_of(request.headers.get("Host", ""))) or self.no_host
        except RequestError:
            return self.no_host

    def _retry(self, request: web.Request, error: GatewayError) -> str:
        if error.fault is Fault.HOST_UNKNOWN:
            return self.public_url
        same_page = error.status >= web.HTTPInternalServerError.status_code and request.method == "GET"
        return SAME_PAGE if same_page else "/"
