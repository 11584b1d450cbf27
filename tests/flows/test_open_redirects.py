"""No answer of the gateway's leads a browser, or anything worth having, to where it should not."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import quote, unquote

import pytest
from yarl import URL

from tests.support.flows import on_the_wire
from tests.support.story import PROTECTED, story
from tests.support.unsaid import PARAMETERS

STYLES: Final = ('sign_in = "page"', 'sign_in = "redirect"')
TARGETS: Final = (
    "//evil.example/..",
    "//evil.example/%2e%2e",
    "///evil.example",
    "/\\evil.example",
    "/%5cevil.example",
    "/.//evil.example",
    "/%2f%2fevil.example",
    "//evil.example%2f..",
    "/private/..//evil.example",
    "/%09/evil.example",
)
LOOK_ALIKES: Final = (
    "http://{host}.evil.example/",
    "http://evil-{host}/",
    "http://{host}@evil.example/",
    "http://evil.example/{host}",
    "http://evil.example#{host}",
    "http://evil.example?{host}",
    "http://{host}:x@evil.example/",
    "//{host}.evil.example/",
)
TO_AUTHORIZATION: Final = {"state", "nonce", "code_challenge"}
TO_SIGN_OUT: Final = {"state", "id_token_hint"}


@pytest.mark.parametrize("asker", ["signed in", "page", "redirect"])
async def test_no_target_is_redirected_to_another_host(asker: str) -> None:
    signed_in = asker == "signed in"
    async with on_the_wire(app="" if signed_in else f'sign_in = "{asker}"') as wire:
        own = {URL(wire.gateway.url).origin(), URL(wire.provider.issuer).origin()}
        cookie = []
        if signed_in:
            await wire.sign_in()
            cookie = [wire.cookie]
        for target in TARGETS:
            for method in ("GET", "HEAD"):
                answered = await wire.ask(method, target, "Accept: text/html", *cookie)
                location = answered.fields.get("Location", "/")
                assert URL(wire.gateway.url).join(URL(location, encoded=True)).origin() in own, target


def spellings(target: str) -> list[str]:
    return [target, quote(target, safe=""), base64.b64encode(target.encode()).decode()]


async def test_no_look_alike_of_the_host_is_led_to() -> None:
    async with story() as scene:
        own = URL(scene.gateway.url).origin()
        host = str(own).removeprefix("http://")
        targets = [text for look in LOOK_ALIKES for text in spellings(look.format(host=host))]
        for target in targets:
            begun = await scene.browser.navigate(f"{scene.own('sign-in')}?return_to={quote(target, safe='')}")
            page = await scene.browser.step(await scene.choose(begun))
            assert page.fields["Location"] == "/", target
        for target in targets:
            for name in ("return_to", "post_logout_redirect_uri", "rd", "redirect_uri"):
                query = f"?{name}={quote(target, safe='')}"
                for path in ("sign-out", "signed-out", "callback"):
                    page = await scene.browser.navigate(scene.own(path) + query)
                    location = page.fields.get("Location", "/")
                    assert URL(scene.gateway.url).join(URL(location)).origin() == own, target
                    assert "evil.example" not in page.text


async def test_no_token_or_code_stands_in_a_redirect_but_the_hint_to_sign_out() -> None:
    async with story() as scene:
        await scene.sign_in()
        page = await scene.browser.navigate(
            scene.own("sign-out"), fields={"Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1"}
        )
        await scene.browser.follow(page)
        ours = [page for page in scene.browser.pages if str(page.url).startswith(scene.gateway.url)]
        locations = [URL(page.fields["Location"], encoded=True) for page in ours if "Location" in page.fields]
        said = {location.path: PARAMETERS & location.query.keys() for location in locations}
        issuer = URL(scene.provider.issuer).path
        assert said.pop(f"{issuer}/authorize") == TO_AUTHORIZATION
        assert said.pop(f"{issuer}/session/end") == TO_SIGN_OUT
        assert said
        assert set().union(*said.values()) == set()


@pytest.mark.parametrize("style", STYLES)
async def test_the_provider_learns_nothing_of_the_page_asked_for(style: str) -> None:
    async with story(app=style) as scene:
        begun = await scene.begin(return_to=PROTECTED)
        asked = unquote(unquote(str(begun.location)))
        texts = [asked, *(value for value in begun.location.query.values())]
        octets = [
            base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode("latin-1")
            for name, value in begun.location.query.items()
            if name in {"state", "nonce", "code_challenge"}
        ]
        assert [text for text in texts + octets if "dossier" in text or "numero" in text] == []
        page = await scene.browser.step(begun)
        assert "Referer" not in begun.fields
        assert begun.fields["Referrer-Policy"] in {"no-referrer", "same-origin", "strict-origin"}
        assert page.status in {200, 303}
