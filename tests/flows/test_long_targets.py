"""A way back of any length: no more of it is kept than a cookie holds, and nobody is hurt by a long one."""

from __future__ import annotations

import time
from typing import Final

import pytest

from tests.support.raw import connect
from tests.support.story import Story, story

LONGEST_KEPT: Final = 2048
LONGEST_LINE: Final = 7_000
MILLION: Final = 1_000_000
SOON: Final = 10.0  # seconds
OWN: Final = ["/_gateway/sign-in?return_to=/", "/_gateway/sign-out?switch=/", "/_gateway/form?return_to=/"]
REFUSED: Final = {400, 414, 431}


async def status_of(scene: Story, target: str) -> int:
    """The status of a request for a target of any length, written as octets."""
    head = f"GET {target} HTTP/1.1\r\nHost: localhost:{scene.gateway.port}\r\nAccept: text/html\r\n\r\n"
    async with await connect(scene.gateway.port) as connection:
        await connection.send(head.encode())
        return int((await connection.read_until(b"\r\n")).split()[1])


@pytest.mark.parametrize("length", [LONGEST_KEPT - 1, LONGEST_KEPT, LONGEST_KEPT + 1, LONGEST_LINE])
async def test_a_way_back_is_kept_whole_or_leads_home(length: int) -> None:
    target = "/private/".ljust(length, "x")
    async with story() as scene:
        page = await scene.sign_in(return_to=target)
        assert page.url.path == (target if length <= LONGEST_KEPT else "/")


@pytest.mark.parametrize("path", [*OWN, "/"])
async def test_a_million_characters_are_refused_at_once_and_cost_nobody_anything(path: str) -> None:
    async with story() as scene:
        began = time.monotonic()
        assert await status_of(scene, path + "x" * MILLION) in REFUSED
        assert time.monotonic() - began < SOON
        assert (await scene.sign_in()).status == 200


async def test_a_million_characters_of_escapes_are_refused_too() -> None:
    async with story() as scene:
        escapes = "%2f%5c%00" * (MILLION // 9)
        assert await status_of(scene, f"/_gateway/sign-in?return_to={escapes}") in REFUSED
        assert (scene.upstream, scene.attacker) == ([], [])
