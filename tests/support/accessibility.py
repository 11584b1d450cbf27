"""Barriers that axe-core finds on pages, wide and narrow, and images that are not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.async_api import Page

from tests.support.person import Person

AXE: Final = Path(__file__).parents[1] / "axe" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS: Final = (1280, 320)
VIOLATIONS: Final = """async () => {
  const found = await axe.run(document, { resultTypes: ['violations'] })
  return found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.html}`))
}"""


async def barriers(page: Page) -> list[str]:
    """What is wrong with a page that has axe-core."""
    found: list[str] = await page.evaluate(VIOLATIONS)
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*found, *(["wider than the window"] if wide > 0 else [])]


async def look_at(person: Person, url: str, names: Sequence[str]) -> dict[str, list[str]]:
    """What is wrong with each page, wide and narrow."""
    await person.context.add_init_script(path=AXE)
    page = await person.open("about:blank")
    found = dict[str, list[str]]()
    for name in names:
        await page.goto(f"{url}/{name}")
        broken = await page.evaluate("[...document.images].filter(image => !image.naturalWidth).length")
        found[name] = ["an image that is not there"] * broken
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 720})
            found[name] += [f"{width}: {barrier}" for barrier in await barriers(page)]
    return {name: barriers for name, barriers in found.items() if barriers}
