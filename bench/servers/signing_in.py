"""A person's way through a sign-in, at the gateway or at any other relying party of the demo's provider."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from bench.errors import CannotMeasureError
from bench.servers.front import Front
from gateway.demo.people import PEOPLE, Person
from tests.support.http_browser import HTTPBrowser

PERSON: Final = PEOPLE[0]
WHO: Final = "/who"
"""Where the small pages' application answers with the address of the person it was told of."""

_BUTTON: Final = "S'identifier avec ProConnect"
_OK, _UNAUTHORIZED = 200, 401


async def sign_in(browser: HTTPBrowser, url: str, person: Person = PERSON) -> str:
    """Ask for a page, sign in, and arrive; the page's text.

    Raises:
        CannotMeasureError: the way ends elsewhere.
    """
    page = await browser.open(url)
    if page.status == _UNAUTHORIZED:
        page = await browser.follow(await browser.click(page, _BUTTON))
    page = await browser.follow(await browser.submit(page, press=person.id))
    if page.status != _OK or str(page.url) != url:
        raise CannotMeasureError(f"signing in for {url} ended at {page.url.with_query(None)}: {page.status}")
    return page.text


def signed_in(front: Front, *, path: str) -> Front:
    """The front with somebody's cookie.

    Args:
        front: it, with nobody's.
        path: of the page to ask for; at `WHO` the application must name the person.

    Raises:
        CannotMeasureError: nobody can sign in, or the application is not told who did.
    """
    return asyncio.run(_signed_in(front, path))


async def _signed_in(front: Front, path: str) -> Front:
    async with HTTPBrowser() as browser:
        text = await sign_in(browser, front.url + path)
        if path == WHO and text.casefold() != PERSON.email.casefold():
            raise CannotMeasureError(f"the application behind {front.name} was told of {text!r}")
        cookies = browser.cookies(front.url + path)
    return replace(front, cookie="; ".join(f"{name}={value}" for name, value in cookies.items()))
