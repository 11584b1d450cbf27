"""How the look-alike provider's pages are answered, and the failures that they offer.

The words stand in the templates; which page is shown when is `provider_browser`'s decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from yarl import URL

STATIC: Final = Path(__file__).parent / "static"

TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


ABORTS: Final[Mapping[str, tuple[str, str]]] = {
    "acr": ("access_denied", "requested ACRs could not be satisfied"),
    "identity": ("access_denied", "authentication aborted due to invalid identity"),
    "configuration": ("access_denied", "authentication aborted due to a configuration limitation"),
    "session": ("access_denied", "user authentication aborted"),
    "technical": (
        "server_error",
        "authentication aborted due to a technical error on the authorization server",
    ),
    "login": ("login_required", "End-User authentication is required"),
    "unavailable": ("temporarily_unavailable", "the authorization server is temporarily unavailable"),
}
"""How a sign-in can fail at ProConnect: `error` and `error_description` by the name in the page's links."""


def page(template: str, *, status: int = 200, form_to: str = "", **values: object) -> web.Response:
    """Render a template.

    Args:
        template: file name.
        status: of the answer.
        form_to: a URL that the page's form ends at after redirects; browsers hold those to `form-action` too.
        values: what the template shows.
    """
    destinations = f"'self' {URL(form_to).origin()}" if form_to else "'self'"
    policy = (
        f"default-src 'none'; style-src 'self'; img-src data:; form-action {destinations}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return web.Response(
        text=TEMPLATES.get_template(template).render(values),
        content_type="text/html",
        status=status,
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


def error_page(code: str, *, status: int, detail: str = "", retry: str = "") -> web.Response:
    """The page of an error code, with a link to try again when `retry` names where."""
    return page("provider_error.html", status=status, code=code, detail=detail, retry=retry)
