"""Requests that no honest browser sends, and answers that hold no more than they should."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Final

import pytest

from tests.support.flows import Wire, on_the_wire
from tests.support.story import story
from tests.support.unsaid import all_logging

PUBLIC: Final = '[[apps.routes]]\npath = "/public/"\naccess = "public"'
EMPTY_POSTS: Final = {
    "without a length": (),
    "of no octets": ("Content-Length: 0",),
    "of no octets and no kind": ("Content-Length: 0", "Content-Type:"),
    "of an empty form": ("Content-Length: 0", "Content-Type: application/x-www-form-urlencoded"),
    "of a form without a boundary": ("Content-Length: 0", "Content-Type: multipart/form-data"),
    "of no chunk": ("Transfer-Encoding: chunked", "Content-Type: application/x-www-form-urlencoded"),
}
BAD_COOKIES: Final = (
    "gateway=\x7f",
    "=",
    "; ; ;",
    "gateway_chunks=99999999",
    'x="unclosed',
    "expires=gateway",
    "\xff=\xfe",
    "a b=c; gateway",
    "gateway=; gateway=; gateway=",
)
ASSETS: Final = (
    "/_gateway/assets/../../../../../../etc/passwd",
    "/_gateway/assets/..%2f..%2f..%2fetc%2fpasswd",
    "/_gateway/assets/%2e%2e/%2e%2e/etc/passwd",
    "/_gateway/assets//etc/passwd",
    "/_gateway/assets/style.css/../../app.py",
    "/_gateway/assets/%5c%5chost%5cshare",
    "/_gateway/assets/C:%5cboot.ini",
    "/_gateway/assets/style.css%00.txt",
    "/_gateway/assets/",
    "/_gateway/assets",
    "/_gateway/assets/.",
    "/_gateway/assets/nothing.css",
)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with on_the_wire(routes=PUBLIC) as ready:
        yield ready


@pytest.mark.parametrize("fields", EMPTY_POSTS.values(), ids=EMPTY_POSTS)
async def test_a_post_without_anything_is_a_strangers_like_any_other(
    wire: Wire, fields: tuple[str, ...]
) -> None:
    body = "0\r\n\r\n" if fields and "chunked" in fields[0] else ""
    for accept in ("Accept: text/html", "Accept: application/json"):
        answered = await wire.ask("POST", "/private/x", accept, *fields, body=body)
        assert answered.status == 401
    await wire.nothing_went_up()


async def test_bad_cookies_without_end_write_one_line_a_request(wire: Wire) -> None:
    before = len(wire.gateway.lines)
    with all_logging() as lines:
        for number in range(100):
            cookies = "; ".join(BAD_COOKIES[(number + shift) % len(BAD_COOKIES)] for shift in range(60))
            answered = await wire.ask("GET", "/private/x", f"Cookie: {cookies}")
            assert answered.status in {400, 401}
    written = [line for line in wire.gateway.lines[before:] if line["event"] != "request"]
    assert [line for line in lines if "ookie" in line] == []
    assert written == []
    await wire.nothing_went_up()


@pytest.mark.parametrize("target", ASSETS)
async def test_assets_are_those_there_are_and_no_file(wire: Wire, target: str) -> None:
    answered = await wire.ask("GET", target)
    assert answered.status in {400, 404}
    assert b"root:" not in answered.body
    await wire.nothing_went_up()


async def test_whoami_tells_claims_and_never_a_token() -> None:
    async with story() as scene:
        await scene.sign_in()
        text = (await scene.browser.fetch(scene.own("whoami"))).text
        said = json.loads(text)
        assert said["claims"]["sub"]
        for page in scene.browser.pages:
            scene.unsaid.add_page(page)
        assert scene.unsaid.found_in([text]) == []
        assert "eyJ" not in text
