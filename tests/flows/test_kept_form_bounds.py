"""How many forms are kept, how large, and what becomes of one that never comes whole."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.support.flows import OK, Answered, Wire, on_the_wire
from tests.support.forms import (
    FORM,
    KEPT,
    LOST,
    URLENCODED,
    end_session,
    kept,
    message,
    send,
)
from tests.support.raw import connect
from tests.support.story import WAIT_SECONDS, story


async def test_three_forms_of_one_person_are_kept_and_a_fourth_is_not() -> None:
    async with story() as scene:
        await scene.sign_in()
        end_session(scene.browser, scene.gateway.url)
        pages = [await send(scene.browser, scene.gateway.url + FORM) for _ in range(4)]
        assert [KEPT in page.text for page in pages] == [True, True, True, False]
        assert len(scene.events("form-kept")) == 3


async def test_of_everybody_together_no_more_are_kept_than_the_settings_say() -> None:
    async with story(routes="[forms]\nmost = 2\n") as scene:
        people = [scene.browser, await scene.another_browser(), await scene.another_browser()]
        pages = []
        for browser in people:
            await scene.sign_in(browser)
            end_session(browser, scene.gateway.url)
            pages.append(await send(browser, scene.gateway.url + FORM))
        assert [KEPT in page.text for page in pages] == [True, True, False]


async def test_a_place_is_free_again_once_a_form_is_sent() -> None:
    async with on_the_wire(OK, routes="[forms]\nmost = 1\n") as wire:
        for _ in range(3):
            await wire.browser.submit(await kept(wire), press="Envoyer de nouveau")
            wire.browser.forget_cookies()
            wire.provider.sessions.clear()


def headed(wire: Wire, *fields: str, site: str = "same-origin") -> bytes:
    """The head of a form's request, with the cookie of who was signed in."""
    person = wire.browser.cookies(wire.gateway.url)["gateway-person"]
    usual = [
        f"POST {FORM} HTTP/1.1",
        f"Host: {wire.host}",
        f"Origin: {wire.gateway.url}",
        f"Sec-Fetch-Site: {site}",
        "Sec-Fetch-Mode: navigate",
        f"Content-Type: {URLENCODED}",
        f"Cookie: gateway-person={person}",
    ]
    return "\r\n".join([*usual, *fields, "", ""]).encode()


TOO_LARGE: Final = {
    "announced": (b"", "Content-Length: 1048577"),
    "announced, and the browser waits": (b"", "Content-Length: 1048577", "Expect: 100-continue"),
    "in chunks": (b"10000\r\n" + b"x" * 65536 + b"\r\n", "Transfer-Encoding: chunked"),
}


@pytest.mark.parametrize("sent", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_what_is_too_large_to_keep_is_refused_before_it_is_read(sent: tuple[bytes, str]) -> None:
    async with on_the_wire(OK) as wire:
        await wire.sign_in()
        body, *fields = sent
        async with await connect(wire.gateway.port) as connection:
            await connection.send(headed(wire, *fields) + body * 17)
            answer = (await connection.read_message()).decode()
        assert answer.startswith("HTTP/1.1 413 ")
        assert "trop volumineux" in answer
        assert "Connection: close" in answer
        await wire.nothing_went_up()


async def test_a_browser_that_waits_to_be_asked_is_asked_for_what_is_kept() -> None:
    async with on_the_wire(OK) as wire:
        await wire.sign_in()
        async with await connect(wire.gateway.port) as connection:
            await connection.send(headed(wire, "Content-Length: 3", "Expect: 100-continue"))
            assert await connection.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            await connection.send(b"a=1")
            assert KEPT.encode() in await connection.read_message()


async def test_chunks_are_kept_as_the_octets_that_they_carry() -> None:
    async with on_the_wire(OK) as wire:
        await wire.sign_in()
        async with await connect(wire.gateway.port) as connection:
            await connection.send(
                headed(wire, "Transfer-Encoding: chunked") + b"2\r\na=\r\n1\r\n1\r\n0\r\n\r\n"
            )
            answer = Answered.read(await connection.read_message())
        name, value = answer.fields["Set-Cookie"].partition(";")[0].split("=")
        wire.browser.set_cookie(wire.gateway.url, name, value)
        page = await wire.browser.open(f"{wire.gateway.url}/_gateway/form?form={name[-8:]}")
        await wire.browser.submit(page, press="Envoyer de nouveau")
        fields, arrived = message(wire.upstream.requests[-1])
        assert (arrived, fields["Content-Length"], fields.get("Transfer-Encoding")) == (b"a=1", "3", None)


@pytest.mark.parametrize(
    "body, fields",
    [(b"zz\r\n", ["Transfer-Encoding: chunked"]), (b"a=", ["Content-Length: 3"])],
    ids=["broken chunks", "a browser that leaves"],
)
async def test_a_body_that_never_comes_whole_is_not_kept(body: bytes, fields: list[str]) -> None:
    async with on_the_wire(OK) as wire:
        await wire.sign_in()
        for _ in range(4):
            async with await connect(wire.gateway.port) as connection:
                await connection.send(headed(wire, *fields) + body)
                connection.finish_sending()
                await connection.read()
        assert [e["event"] for e in wire.gateway.audited()] == ["sign-in"]
        # The places that these took come free.
        end_session(wire.browser, wire.gateway.url)
        async with asyncio.timeout(WAIT_SECONDS):
            while KEPT not in (await send(wire.browser, wire.gateway.url + FORM)).text:
                pass


async def test_nothing_is_kept_where_the_settings_say_so() -> None:
    async with story(routes='[forms]\nlargest = "0"\n') as scene:
        await scene.sign_in()
        end_session(scene.browser, scene.gateway.url)
        page = await send(scene.browser, scene.gateway.url + FORM)
        assert (page.status, LOST in page.text) == (401, True)
