"""Sign-out: whose wish it is, that it holds here at once, and that the provider hears of it."""

from __future__ import annotations

from typing import Final

import pytest
from yarl import URL

from tests.support.alterations import ABSENT, members, payload
from tests.support.flows import gateway_before, sign_in
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import OIDCEngine
from tests.support.page import Page
from tests.support.story import PROTECTED, Story, story

BOTH: Final = "ainsi que votre session ProConnect"
HERE_ALONE: Final = "peut, elle, être encore ouverte"
EVIL: Final = URL("https://evil.example/page")

LINK: Final = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1"}
EMBEDDED: Final = {"Sec-Fetch-User": "", "Sec-Fetch-Mode": "no-cors"}


def onward(page: Page) -> URL:
    """Where the page that follows a sign-out form goes on to."""
    (link,) = [link.href for link in page.links if link.label == "Continuer"]
    assert f'content="0;url={link.replace("&", "&amp;")}"' in page.text
    return URL(link, encoded=True)


async def at_provider(scene: Story, page: Page) -> Page:
    """Go on to the provider and back to the gateway."""
    return await scene.browser.open(page.location if page.status == 303 else onward(page))


async def not_signed_in_with(scene: Story, cookies: dict[str, str]) -> bool:
    """Whether these cookies, replayed by whoever kept them, lead to a page that asks to sign in."""
    thief = await scene.another_browser()
    for name, value in cookies.items():
        thief.set_cookie(scene.gateway.url, name, value)
    return (await thief.navigate(scene.gateway.url + PROTECTED)).status == 401


@pytest.mark.real
async def test_signing_out_ends_the_session_here_and_at_the_provider(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with gateway_before(oidc_engine) as gateway:
        page = await sign_in(http_browser, gateway.url + PROTECTED, "eleonore")
        page = await http_browser.navigate(
            f"{gateway.url}/_gateway/sign-out", method="POST", initiator=page.url
        )
        assert "gateway" not in http_browser.cookies(gateway.url)
        page = await http_browser.open(onward(page))
        page = await http_browser.follow(await http_browser.submit(page)) if page.forms else page
        assert (page.status, str(page.url.with_query(None))) == (200, gateway.post_logout_redirect_uri)
        assert BOTH in page.text
        assert [event["event"] for event in gateway.audited()] == ["sign-in", "sign-out"]
        # A new sign-in finds nobody at the provider either: the person is asked to choose.
        page = await http_browser.open(f"{gateway.url}/_gateway/sign-in", until=gateway.redirect_uri)
        assert page.status == 200
        assert page.url.port == oidc_engine.port


async def test_the_button_ends_the_session_before_the_browser_leaves() -> None:
    async with story() as scene:
        await scene.sign_in()
        before = scene.browser.cookies(scene.gateway.url)
        page = await scene.press_sign_out()
        assert (page.status, page.fields["Cache-Control"]) == (200, "no-store")
        assert "gateway" not in scene.browser.cookies(scene.gateway.url)
        assert await not_signed_in_with(scene, before)
        assert scene.provider.calls("end_session") == 0


async def test_the_provider_is_told_whose_session_ends_and_where_to_return() -> None:
    async with story() as scene:
        await scene.sign_in()
        sub = scene.events("sign-in")[0]["sub"]
        url = onward(await scene.press_sign_out())
        assert str(url.with_query(None)) == f"{scene.provider.issuer}/session/end"
        assert url.query.keys() == {"id_token_hint", "post_logout_redirect_uri", "state"}
        assert payload(url.query["id_token_hint"])["sub"] == sub
        assert url.query["post_logout_redirect_uri"] == scene.gateway.post_logout_redirect_uri
        assert len(url.query["state"]) == 43


async def test_a_link_of_the_application_signs_out_without_a_question() -> None:
    async with story() as scene:
        await scene.sign_in()
        page = await scene.browser.navigate(scene.own("sign-out"), fields=LINK)
        assert page.status == 303
        page = await at_provider(scene, page)
        assert (page.url.path, page.status) == ("/_gateway/signed-out", 200)
        assert BOTH in page.text
        assert scene.provider.memory.sessions == {}


async def test_one_audit_line_names_who_left() -> None:
    async with story() as scene:
        await scene.sign_in()
        (came,) = scene.events("sign-in")
        await scene.press_sign_out()
        (left,) = scene.events("sign-out")
        assert {name: left[name] for name in ("session", "sub", "email", "app", "provider")} == {
            name: came[name] for name in ("session", "sub", "email", "app", "provider")
        }


@pytest.mark.parametrize(
    "fields",
    [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {**LINK, "Sec-Fetch-User": ""}],
    ids=["typed", "from another site", "from a sibling", "without a click"],
)
async def test_a_visit_that_nobody_clicked_for_here_is_asked_about(fields: dict[str, str]) -> None:
    async with story() as scene:
        await scene.sign_in()
        page = await scene.browser.navigate(scene.own("sign-out"), fields=fields)
        assert (page.status, page.fields["Cache-Control"]) == (200, "no-store")
        assert await scene.signed_in()
        page = await at_provider(scene, await scene.browser.submit(page))
        assert BOTH in page.text
        assert not await scene.signed_in()


@pytest.mark.hostile("I5")
@pytest.mark.parametrize("site", ["cross-site", "same-origin"])
@pytest.mark.parametrize("kind", ["image", "script", "empty"])
async def test_what_a_page_embeds_signs_nobody_out(kind: str, site: str) -> None:
    async with story() as scene:
        await scene.sign_in()
        fields = {**EMBEDDED, "Sec-Fetch-Site": site, "Sec-Fetch-Dest": kind}
        page = await scene.browser.fetch(scene.own("sign-out"), fields=fields)
        assert page.status == 403
        assert await scene.signed_in()
        assert [event["fault"] for event in scene.events("sign-out-refused")] == ["cross-site"]


@pytest.mark.hostile("I5")
@pytest.mark.parametrize(
    "fields",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
    ids=["another site", "a sibling", "no origin to speak of", "an origin that is not ours", "a sandbox"],
)
async def test_a_form_of_another_site_signs_nobody_out(fields: dict[str, str]) -> None:
    async with story() as scene:
        await scene.sign_in()
        before = scene.browser.cookies(scene.gateway.url)
        page = await scene.browser.navigate(scene.own("sign-out"), method="POST", fields=fields)
        assert (page.status, page.fields["Cache-Control"]) == (403, "no-store")
        assert scene.browser.cookies(scene.gateway.url) == before
        assert await scene.signed_in()
        assert [event["fault"] for event in scene.events("sign-out-refused")] == ["cross-site"]
        assert scene.events("sign-out") == []


@pytest.mark.hostile("I5")
@pytest.mark.parametrize(
    "query, told",
    [
        ("?state={state}", BOTH),
        ("?state=" + "x" * 43, HERE_ALONE),
        ("?state={state}&state={state}", HERE_ALONE),
        ("?state=", HERE_ALONE),
        ("", HERE_ALONE),
        ("?post_logout_redirect_uri=https://evil.example/&return_to=//evil.example&state=x", HERE_ALONE),
    ],
    ids=["the right state", "another", "twice", "empty", "none", "with somewhere to go"],
)
async def test_the_way_back_ends_on_a_page_whatever_state_it_carries(query: str, told: str) -> None:
    async with story() as scene:
        await scene.sign_in()
        state = onward(await scene.press_sign_out()).query["state"]
        page = await scene.browser.navigate(scene.own("signed-out") + query.format(state=state))
        assert (page.status, page.fields["Cache-Control"]) == (200, "no-store")
        assert told in page.text
        assert "evil.example" not in page.text
        # The state is good for one return.
        page = await scene.browser.navigate(scene.own(f"signed-out?state={state}"))
        assert HERE_ALONE in page.text


@pytest.mark.hostile("I5")
async def test_a_caller_cannot_choose_where_a_sign_out_leads() -> None:
    async with story() as scene:
        await scene.sign_in()
        query = {"post_logout_redirect_uri": str(EVIL), "return_to": str(EVIL), "state": "x" * 43}
        url = URL(scene.own("sign-out")).with_query(query)
        page = await scene.browser.navigate(url, fields=LINK)
        assert page.location.query["post_logout_redirect_uri"] == scene.gateway.post_logout_redirect_uri
        assert page.location.query["state"] != "x" * 43
        assert "evil.example" not in page.fields["Location"]


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_provider_without_a_sign_out_of_its_own_changes_nothing_here(method: str) -> None:
    async with story(members("discovery", end_session_endpoint=ABSENT)) as scene:
        await scene.sign_in()
        before = scene.browser.cookies(scene.gateway.url)
        fields = LINK if method == "GET" else {}
        page = await scene.browser.navigate(
            scene.own("sign-out"), method=method, fields=fields, initiator=URL(scene.gateway.url)
        )
        page = await scene.browser.follow(page)
        assert (page.url.path, page.status) == ("/_gateway/signed-out", 200)
        assert HERE_ALONE in page.text
        assert await not_signed_in_with(scene, before)


async def test_a_provider_that_is_away_keeps_nobody_signed_in_here() -> None:
    async with story() as scene:
        await scene.sign_in()
        before = scene.browser.cookies(scene.gateway.url)
        await scene.provider.stop()
        assert (await scene.press_sign_out()).status == 200
        assert await not_signed_in_with(scene, before)
        assert len(scene.events("sign-out")) == 1


async def test_signing_out_twice_ends_on_the_same_page() -> None:
    async with story() as scene:
        await scene.sign_in()
        await scene.press_sign_out()
        page = await scene.browser.follow(await scene.press_sign_out())
        assert (page.url.path, page.status) == ("/_gateway/signed-out", 200)
        assert len(scene.events("sign-out")) == 1


@pytest.mark.parametrize(
    "path, provider_has_one", [("sign-out", True), ("sign-out", False), ("sign-out?only=here", True)]
)
async def test_whoever_signs_in_again_a_moment_later_does_not_go_round_in_circles(
    path: str, *, provider_has_one: bool
) -> None:
    without = () if provider_has_one else (members("discovery", end_session_endpoint=ABSENT),)
    async with story(*without, app='sign_in = "redirect"') as scene:
        await scene.browser.follow(await scene.choose(await scene.begin()))
        page = await scene.browser.navigate(scene.own(path), fields=LINK)
        assert page.status == 303
        again = await scene.browser.navigate(scene.gateway.url + PROTECTED)
        assert (again.status, again.location.host) == (303, URL(scene.provider.issuer).host)
