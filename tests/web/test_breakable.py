"""A long mail address breaks where it has parts, and makes no page wider than a telephone."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from aiohttp import web
from playwright.async_api import Browser, expect

from gateway.access.requirements import Reason
from gateway.web.breakable import breakable
from gateway.web.own import Assets
from gateway.web.pages import Pages
from tests.support.person import sitting_at
from tests.support.sample_site import BRANDINGS
from tests.support.serving import served

NARROW: Final = 320  # CSS pixels: WCAG 2.2, success criterion 1.4.10
EMAIL: Final = "anne.charlotte.marie.de.la.roche@territoires.example.gouv.fr"
NAME: Final = "anticonstitutionnellement" * 4
LINES: Final = """node => {
  const range = document.createRange(), tops = new Map()
  const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    for (let at = 0; at < walk.currentNode.length; at++) {
      range.setStart(walk.currentNode, at)
      range.setEnd(walk.currentNode, at + 1)
      const top = Math.round(range.getBoundingClientRect().top)
      tops.set(top, (tops.get(top) ?? "") + range)
    }
  }
  return [...tops.values()]
}"""


@pytest.mark.parametrize(
    "text, html",
    [
        ("a@b.fr", "a@<wbr>b.<wbr>fr"),
        ("a.", "a."),
        ("x", "x"),
        ("", ""),
        ("<b>&\"'@x", "&lt;b&gt;&amp;&#34;&#39;@<wbr>x"),
    ],
)
def test_it_may_break_behind_each_part_and_is_escaped(text: str, html: str) -> None:
    assert str(breakable(text)) == html


@pytest.mark.real
@pytest.mark.parametrize("look", ["neutral", "dsfr"])
async def test_no_page_is_wider_than_a_telephone(chromium: Browser, look: str) -> None:
    branding = replace(BRANDINGS[look], contact=EMAIL, service_name=NAME, who_may_enter=NAME)
    pages = Pages(brandings=[branding])
    html = pages.refusal(
        "fr",
        branding=branding,
        reason=Reason.OTHER_ORGANISATION.value,
        person=EMAIL,
        organisation=NAME,
        request_id="3f9a1c5e7b20-1a",
        sign_out_path="/out",
        sentence=NAME,
    )

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    application = web.Application()
    application.router.add_get("/", show)
    application.router.add_get("/_gateway/assets/{name}", Assets(pages.assets).handle)
    async with (
        served(application) as url,
        sitting_at(chromium, viewport={"width": NARROW, "height": 720}) as person,
    ):
        page = await person.open(url)
        wide = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        assert await page.evaluate(wide) == [NARROW, NARROW]
        account = page.locator("dd").first
        await expect(account).to_have_text(EMAIL)
        lines = await account.evaluate(LINES)
        assert "".join(lines) == EMAIL
        assert len(lines) > 1
        assert all(line.endswith(("@", ".")) for line in lines[:-1])
        await expect(page.get_by_role("link", name=EMAIL)).to_have_count(1)
