"""Pictures of every page, in each language and theme, wide and narrow, into the folder given."""

from __future__ import annotations

import asyncio
import sys
from html import escape
from pathlib import Path
from typing import Final

from tests.support.browser import running_chromium
from tests.support.sample_site import LANGUAGES, NAMES, sample_site

LOOKS: Final = ("neutral", "dsfr")
WIDTHS: Final = (1280, 320)


async def take(folder: Path) -> None:
    """Take them all."""
    async with sample_site() as url, running_chromium() as browser:
        page = await browser.new_page(locale="fr-FR")
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 720})
            for look in LOOKS:
                for language in LANGUAGES:
                    for name in NAMES:
                        await page.goto(f"{url}/{look}/{language}/{name}")
                        path = folder / _file(look, language, name, width)
                        await page.screenshot(path=path, full_page=True)


def _file(look: str, language: str, name: str, width: int) -> str:
    return f"{name}-{look}-{language}-{width}.png"


def _index() -> str:
    rows = "".join(
        f"<h2>{escape(name)}</h2>\n<p>"
        + "".join(
            f'<a href="{file}"><img loading="lazy" src="{file}" alt="{file}"></a>\n'
            for look in LOOKS
            for language in LANGUAGES
            for width in WIDTHS
            for file in [_file(look, language, name, width)]
        )
        + "</p>\n"
        for name in NAMES
    )
    style = "img { height: 24rem; border: 1px solid #999; margin: 0.25rem; vertical-align: top }"
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>The gateway\'s pages</title>'
        f"<style>{style}</style>\n<h1>The gateway's pages</h1>\n{rows}</html>\n"
    )


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(target))
    (target / "index.html").write_text(_index(), "utf-8")
