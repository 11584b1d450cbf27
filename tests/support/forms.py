"""Forms that come after their session has ended: what a browser sends, and what a person then does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multidict import CIMultiDict
from yarl import URL

from tests.support.flows import Wire, fields_of
from tests.support.http_browser import HTTPBrowser
from tests.support.page import Page

FORM: Final = "/private/form?step=2&name=%C3%A9"
PAGE: Final = "/private/page?from=here"
URLENCODED: Final = "application/x-www-form-urlencoded"
BOUNDARY: Final = "----WebKitFormBoundaryA1"
FILE: Final = bytes(range(256)) * 40
MULTIPART: Final = b"".join(
    [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="objet"\r\n\r\n'.encode(),
        "Œuvre & café\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="pièce"; filename="a.bin"\r\n\r\n'.encode(),
        FILE,
        f"\r\n--{BOUNDARY}--\r\n".encode(),
    ]
)
BODIES: Final = {
    "fields": (URLENCODED, b"objet=%C5%92uvre+%26+caf%C3%A9&x=1&x=2&=&y"),
    "a file": (f"multipart/form-data; boundary={BOUNDARY}", MULTIPART),
    "broken multipart": (f"multipart/form-data; boundary={BOUNDARY}", MULTIPART[:-30]),
    "multipart without a boundary": ("multipart/form-data", MULTIPART),
    "plain text": ("text/plain;charset=utf-8", b"objet=caf\xc3\xa9\r\n"),
    "JSON": ("application/json", b'{"a": [1, "\xc3\xa9"]}'),
    "octets that are no text": (URLENCODED, bytes(range(256))),
    "nothing": (URLENCODED, b""),
}
"""Content types and bodies, each of another kind, a browser's own and broken ones."""

KEPT: Final = "mis de côté quelques minutes"
LOST: Final = "pas été transmis. Identifiez-vous"
"""What the sign-in page says of what was sent."""


async def send(
    browser: HTTPBrowser,
    url: str,
    *,
    body: bytes = b"a=1",
    kind: str = URLENCODED,
    fields: Mapping[str, str] | None = None,
) -> Page:
    """What a browser sends when a person presses the button of a form on PAGE."""
    page = URL(url).origin().join(URL(PAGE))
    navigation = {
        "Accept": "text/html,*/*;q=0.8",
        "Content-Type": kind,
        "Referer": str(page),
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-User": "?1",
    }
    sent = {**navigation, **(fields or {})}
    return await browser.fetch(url, method="POST", body=body, fields=sent, initiator=page)


def end_session(browser: HTTPBrowser, url: str) -> None:
    """What the session's end leaves: a cookie that leads nowhere."""
    browser.set_cookie(url, "gateway", "x" * 43)


def form_cookies(browser: HTTPBrowser, url: str) -> list[str]:
    """The names of the handles to kept forms that a browser has."""
    return [name for name in browser.cookies(url) if name.startswith("gateway-form-")]


async def sign_in_from(browser: HTTPBrowser, page: Page, *, home: str, person: str = "eleonore") -> Page:
    """Press the button of a sign-in page and arrive."""
    page = await browser.follow(await browser.click(page, "S'identifier avec ProConnect"))
    chooses = page.url.port != URL(home).port
    return await browser.follow(await browser.submit(page, press=person)) if chooses else page


async def kept(wire: Wire, *, body: bytes = b"a=1", kind: str = URLENCODED, person: str = "eleonore") -> Page:
    """Sign in, lose the session, send a form, sign in again: the page that asks whether to send it."""
    await wire.sign_in()
    end_session(wire.browser, wire.gateway.url)
    page = await send(wire.browser, wire.gateway.url + FORM, body=body, kind=kind)
    assert (page.status, KEPT in page.text) == (401, True)
    wire.provider.sessions.clear()
    return await sign_in_from(wire.browser, page, home=wire.gateway.url, person=person)


def message(request: bytes) -> tuple[CIMultiDict[str], bytes]:
    """The fields of a request as it came over a socket, and its body."""
    return CIMultiDict(fields_of(request)), request.partition(b"\r\n\r\n")[2]


def again(page: Page) -> tuple[str, bytes]:
    """Where the page's form leads, and what it sends."""
    (form,) = [form for form in page.forms if "Envoyer de nouveau" in [b.label for b in form.buttons]]
    ((name, value),) = form.fields
    return form.action, f"{name}={value}".encode()
