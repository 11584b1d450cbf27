"""Debian's Chromium, driven by Playwright. No browser is ever downloaded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.support.processes import find_program

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Any host name may be used in a test, and none leads out of this machine.
    "--host-resolver-rules=MAP * 127.0.0.1",
]


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """A headless Chromium of its own; each `new_context()` of it is a person without cookies.

    Raises:
        ProgramMissingError: Chromium is not installed.
    """
    path = find_program("chromium", package="chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()
