"""A form that comes after its session has ended is not lost: kept for a while, sent once, by who sent it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from yarl import URL

from tests.support.flows import OK, gateway_at_demo, on_the_wire
from tests.support.forms import (
    BODIES,
    FORM,
    KEPT,
    LOST,
    PAGE,
    again,
    end_session,
    form_cookies,
    kept,
    message,
    send,
    sign_in_from,
)
from tests.support.http_browser import HTTPBrowser
from tests.support.raw import RawUpstream
from tests.support.story import story


@pytest.mark.parametrize("kind, body", BODIES.values(), ids=BODIES)
async def test_a_form_arrives_byte_for_byte_after_one_click(kind: str, body: bytes) -> None:
    async with on_the_wire(OK) as wire:
        page = await kept(wire, body=body, kind=kind)
        assert (page.status, page.url.path) == (200, "/_gateway/form")
        assert wire.upstream.requests == []
        page = await wire.browser.submit(page, press="Envoyer de nouveau")
        assert (page.status, page.text, page.url.raw_path_qs) == (200, "ok", FORM)
        (request,) = wire.upstream.requests
        fields, arrived = message(request)
        assert request.startswith(f"POST {FORM} HTTP/1.1\r\n".encode())
        assert arrived == body
        assert fields.getall("Content-Type") == [kind]
        assert fields.getall("Content-Length") == [str(len(body))]
        assert fields["Referer"] == wire.gateway.url + PAGE
        assert "eleonore" in fields["Remote-User"]
        assert "gateway" not in fields.get("Cookie", "")
        assert [e["event"] for e in wire.gateway.audited()] == [
            "sign-in",
            "form-kept",
            "sign-in",
            "form-sent",
        ]


async def test_a_form_is_sent_on_once_however_often_the_button_is_pressed() -> None:
    async with on_the_wire(OK) as wire:
        page = await kept(wire)
        target, body = again(page)
        url = wire.gateway.url + target
        pages = await asyncio.gather(*(send(wire.browser, url, body=body) for _ in range(8)))
        assert sorted(page.status for page in pages) == [200, *[410] * 7]
        page = await send(wire.browser, url, body=body)
        assert (page.status, "déjà parti" in page.text) == (410, True)
        assert [message(request)[1] for request in wire.upstream.requests] == [b"a=1"]


async def test_somebody_else_gets_nothing_of_a_form_and_is_told_that_it_is_gone() -> None:
    async with on_the_wire(OK) as wire:
        page = await kept(wire, person="zoe")
        assert (page.status, "Envoyer de nouveau" in page.text) == (410, False)
        assert "avec un autre compte, il a été effacé" in page.text
        assert wire.upstream.requests == []
        assert [e["why"] for e in wire.gateway.audited() if e["event"] == "form-dropped"] == ["other-person"]
        # It does not come back for who sent it either.
        wire.provider.sessions.clear()
        end_session(wire.browser, wire.gateway.url)
        back = await wire.browser.open(page.url)
        back = await wire.browser.follow(await wire.browser.submit(back, press="eleonore"))
        assert (back.status, "n’est plus disponible" in back.text) == (410, True)  # noqa: RUF001


async def test_somebody_else_cannot_send_it_by_the_page_that_its_owner_has_open() -> None:
    async with on_the_wire(OK) as wire:
        target, body = again(await kept(wire))
        wire.provider.sessions.clear()
        end_session(wire.browser, wire.gateway.url)
        await wire.sign_in("zoe")
        page = await send(wire.browser, wire.gateway.url + target, body=body)
        assert (page.status, wire.upstream.requests) == (410, [])


@pytest.mark.parametrize(
    "changed",
    [
        lambda body: body[:-1] + (b"A" if body[-1:] != b"A" else b"B"),
        lambda body: body[:21] + b"." + b"A" * 43,
        lambda body: body.replace(b"gateway-form=", b"gateway_form="),
    ],
    ids=["another token", "a made-up token", "another name"],
)
async def test_without_the_pages_own_token_nothing_is_sent(changed: Callable[[bytes], bytes]) -> None:
    async with on_the_wire(OK) as wire:
        target, body = again(await kept(wire, body=b"the kept one"))
        await send(wire.browser, wire.gateway.url + target, body=changed(body))
        # What is no wish of ours is the application's own form, and goes to it as it came.
        arrived = [message(request)[1] for request in wire.upstream.requests]
        assert arrived in ([], [changed(body)])
        page = await send(wire.browser, wire.gateway.url + target, body=body)
        assert (page.status, message(wire.upstream.requests[-1])[1]) == (200, b"the kept one")


async def test_a_form_goes_nowhere_but_where_it_was_going() -> None:
    async with on_the_wire(OK) as wire:
        _, body = again(await kept(wire))
        page = await send(wire.browser, wire.gateway.url + "/private/elsewhere", body=body)
        assert (page.status, wire.upstream.requests) == (410, [])


ELSEWHERE: Final = {
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "a sibling": {"Sec-Fetch-Site": "same-site", "Origin": "http://other.localhost:1"},
    "a sandbox": {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    "an old browser, another site": {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
    "an origin that is not ours": {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
}


@pytest.mark.parametrize("fields", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_a_form_of_another_site_is_neither_kept_nor_sent_again(fields: dict[str, str]) -> None:
    async with on_the_wire(OK) as wire:
        target, body = again(await kept(wire))
        page = await send(wire.browser, wire.gateway.url + target, body=body, fields=fields)
        assert b"a=1" not in [message(request)[1] for request in wire.upstream.requests]
        before = form_cookies(wire.browser, wire.gateway.url)
        end_session(wire.browser, wire.gateway.url)
        page = await send(wire.browser, wire.gateway.url + FORM, fields=fields)
        assert (page.status, LOST in page.text) == (401, True)
        assert form_cookies(wire.browser, wire.gateway.url) == before


async def test_a_stranger_costs_the_store_nothing() -> None:
    async with story() as scene:
        url = scene.gateway.url + FORM
        for planted in (None, "A" * 100, "x", "=;"):
            if planted is not None:
                scene.browser.set_cookie(url, "gateway-person", planted)
            page = await send(scene.browser, url)
            assert (page.status, LOST in page.text, form_cookies(scene.browser, url)) == (401, True, [])
        assert scene.events("form-kept") == []


async def test_who_was_signed_in_elsewhere_is_a_stranger_here() -> None:
    second = '[[apps]]\nname = "second"\nhost = "127.0.0.1"\nupstream = "http://127.0.0.1:1"'
    async with story(app='host = "localhost"', routes=second) as scene:
        await scene.sign_in()
        person = scene.browser.cookies(scene.gateway.url)["gateway-person"]
        url = f"http://127.0.0.1:{scene.gateway.port}{FORM}"
        scene.browser.set_cookie(url, "gateway-person", person)
        page = await send(scene.browser, url)
        assert (page.status, LOST in page.text, form_cookies(scene.browser, url)) == (401, True, [])


async def test_a_form_that_is_not_wanted_any_more_is_dropped_and_its_page_comes_back() -> None:
    async with on_the_wire(OK) as wire:
        asked = await kept(wire)
        page = await wire.browser.submit(asked, press="Ne pas envoyer")
        assert (page.status, page.fields["Location"]) == (303, PAGE)
        target, body = again(asked)
        page = await send(wire.browser, wire.gateway.url + target, body=body)
        assert wire.upstream.requests == [] or b"a=1" not in wire.upstream.requests[-1]
        assert [e["why"] for e in wire.gateway.audited() if e["event"] == "form-dropped"] == ["unwanted"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("kind, body", BODIES.values(), ids=BODIES)
async def test_a_script_gets_a_problem_that_says_that_nothing_is_kept(
    kind: str, body: bytes, method: str
) -> None:
    async with on_the_wire(OK) as wire:
        await wire.sign_in()
        url = wire.gateway.url
        end_session(wire.browser, url)
        page = await wire.browser.fetch(
            url + FORM, method=method, body=body, fields={"Content-Type": kind, "Accept": "text/html"}
        )
        assert (page.status, page.fields["Content-Type"]) == (401, "application/problem+json; charset=utf-8")
        problem = json.loads(page.text)
        assert problem["type"] == "urn:proconnect-gateway:not-signed-in"
        assert "nothing of it is kept" in problem["detail"]
        assert problem["sign_in_url"] == f"{url}/_gateway/sign-in"
        assert form_cookies(wire.browser, url) == []
        wire.provider.sessions.clear()
        await wire.sign_in()
        assert wire.upstream.requests == []
        assert [e["event"] for e in wire.gateway.audited()] == ["sign-in", "sign-in"]
        sent = await wire.browser.fetch(url + FORM, method=method, body=body, fields={"Content-Type": kind})
        assert (sent.status, message(wire.upstream.requests[-1])[1]) == (200, body)


async def test_a_form_survives_an_application_that_is_away() -> None:
    upstream = RawUpstream(OK)
    async with upstream:
        url = upstream.url
    async with gateway_at_demo(url) as (gateway, provider), HTTPBrowser() as browser:
        page = await browser.navigate(f"{gateway.url}/")
        await sign_in_from(browser, page, home=gateway.url)
        end_session(browser, gateway.url)
        page = await send(browser, gateway.url + FORM)
        provider.sessions.clear()
        asked = await sign_in_from(browser, page, home=gateway.url)
        page = await browser.submit(asked, press="Envoyer de nouveau")
        assert page.status == 502
        (retry,) = [link for link in page.links if link.label == "Essayer de nouveau"]
        page = await browser.open(URL(gateway.url).join(URL(retry.href, encoded=True)))
        assert again(page) == again(asked)


async def test_a_form_for_a_stronger_route_waits_for_the_step_up() -> None:
    strong = '[[apps.routes]]\npath = "/private/strong"\nrequire.acr = ["mfa"]\n'
    async with on_the_wire(OK, routes=strong) as wire:
        await wire.sign_in()
        page = await send(wire.browser, f"{wire.gateway.url}/private/strong", body=b"a=2")
        assert (page.status, KEPT in page.text) == (401, True)
        begun = await wire.browser.click(page, "S'identifier avec ProConnect")
        assert json.loads(begun.location.query["claims"])["id_token"]["acr"]["essential"] is True
        asked = await wire.browser.follow(begun)
        page = await wire.browser.follow(await wire.browser.submit(asked, press="eleonore", acr="eidas1-mfa"))
        await wire.browser.submit(page, press="Envoyer de nouveau")
        assert message(wire.upstream.requests[-1])[1] == b"a=2"


async def test_nothing_of_a_form_stands_in_the_store_in_clear(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    async with story(store=f"sqlite://{path}") as scene:
        await scene.sign_in()
        end_session(scene.browser, scene.gateway.url)
        await send(scene.browser, scene.gateway.url + FORM, body=b"a=very-private-text")
        (name,) = form_cookies(scene.browser, scene.gateway.url)
        secrets = [scene.browser.cookies(scene.gateway.url)[name], "very-private-text", "/private/form"]
        stored = await asyncio.to_thread(lambda: b"".join(file.read_bytes() for file in tmp_path.iterdir()))
        assert [secret for secret in secrets if secret.encode() in stored] == []
        scene.unsaid.add("what was typed", "very-private-text")
