"""A person in front of Chromium, whose browser complains aloud: nothing that it finds wrong goes unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from re import Pattern
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Route, WebError, expect

SESSION_COOKIE = "gateway"
OFFICIAL_BUTTON = "S'identifier avec ProConnect"
_FAILED_TO_LOAD = "Failed to load resource: the server responded with a status of "


@dataclass(frozen=True, slots=True)
class Person:
    """One person and their browser.

    Args:
        context: cookies and settings of their own.
        complaints: errors in the console, violations of a page's policy among them, and errors of scripts.
    """

    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    async def open(self, url: str) -> Page:
        """A new tab at an address."""
        page = await self.context.new_page()
        await page.goto(url)
        return page

    async def spare_icon(self, port: int) -> None:
        """Let pass that the pages of an engine at a port have no icon, which is not our concern."""
        await self.context.route(f"http://localhost:{port}/favicon.ico", _no_content)

    async def cookies(self) -> set[str]:
        """The names of the cookies that the browser has."""
        return {cookie["name"] for cookie in await self.context.cookies()}

    def hear(self, message: ConsoleMessage) -> None:
        """Keep a complaint; that a page itself was answered with 401 or 404 is none."""
        page = message.page
        of_page = page is not None and message.location["url"] == page.url
        if message.type in {"error", "warning"} and not (
            of_page and message.text.startswith(_FAILED_TO_LOAD)
        ):
            self.complaints.append(f"{message.location['url']}: {message.text}")

    def hear_script(self, error: WebError) -> None:
        """Keep what a script raised."""
        self.complaints.append(str(error.error))


async def _no_content(route: Route) -> None:
    await route.fulfill(status=204)


@asynccontextmanager
async def sitting_at(browser: Browser, **options: Any) -> AsyncIterator[Person]:
    """Somebody without cookies, who reads French.

    Args:
        browser: the browser.
        options: those of Playwright's `new_context`.

    Raises:
        AssertionError: at the end, when the browser had something to complain about.
    """
    context = await browser.new_context(**{"locale": "fr-FR", **options})
    person = Person(context)
    context.on("console", lambda said: person.hear(said))  # noqa: PLW0108 - Playwright puts a mark on it
    context.on("weberror", lambda error: person.hear_script(error))  # noqa: PLW0108 - as above
    try:
        yield person
    finally:
        await context.close()
    assert not person.complaints, person.complaints


async def press_the_button(page: Page) -> None:
    """Press the button of the gateway's sign-in page."""
    await page.get_by_role("link", name=OFFICIAL_BUTTON).click()


async def choose(page: Page, person: str) -> None:
    """Choose somebody on the provider's page."""
    await page.locator(f"button[value={person}]").click()


async def sign_in(page: Page, person: str = "eleonore") -> None:
    """From the gateway's sign-in page to the page first asked for."""
    await press_the_button(page)
    await choose(page, person)


async def heading(page: Page, text: str | Pattern[str]) -> None:
    """Wait until the page's heading says this."""
    await expect(page.get_by_role("heading", level=1)).to_have_text(text)
