from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer
from yarl import URL

from tests.support.http_browser import HTTPBrowser
from tests.support.page import Button, Link, Page

TWO_FORMS = """
<form action="/search"><input name="q" value="é &amp; è"><button>Find</button></form>
<form id="f" method="post" action="/post?kept=1"><input type="hidden" name="token" value="t"/>
<input name="who"><input type="checkbox" name="off"><input type="checkbox" name="on" value="1" checked>
<button name="choice" value="one">First</button><input type="submit" name="choice" value="two"></form>
<button form="f" name="choice" value="three">Outside <b>it</b></button>
<a href="/next?x=%2F">Go <i>on</i></a><a href="/other">Elsewhere</a>
"""


async def show(request: web.Request) -> web.Response:
    fields: dict[str, Any] = {**request.headers}
    form = [[name, value] for name, value in (await request.post()).items()]
    shown = {"method": request.method, "target": request.raw_path, "fields": fields, "form": form}
    return web.json_response({**shown, "cookies": dict(request.cookies)})


async def redirect(request: web.Request) -> web.Response:
    return web.Response(
        status=int(request.query.get("status", "302")), headers={"Location": request.query["to"]}
    )


async def cookies(_: web.Request) -> web.Response:
    response = web.Response()
    response.set_cookie("plain", "a=b", path="/")
    response.set_cookie("narrow", "1", path="/only-here")
    return response


async def forms(_: web.Request) -> web.Response:
    return web.Response(text=TWO_FORMS, content_type="text/html")


@pytest.fixture
async def port(aiohttp_server: AiohttpServer) -> int:
    app = web.Application()
    app.router.add_get("/redirect", redirect)
    app.router.add_post("/redirect", redirect)
    app.router.add_get("/cookies", cookies)
    app.router.add_get("/forms", forms)
    app.router.add_route("*", "/{path:.*}", show)
    server = await aiohttp_server(app)
    assert server.port is not None
    return server.port


def shown(page: Page) -> Any:
    return json.loads(page.text)


async def test_a_navigation_says_that_it_is_one(port: int, http_browser: HTTPBrowser) -> None:
    fields = shown(await http_browser.navigate(f"http://127.0.0.1:{port}/"))["fields"]
    assert fields["Sec-Fetch-Mode"] == "navigate"
    assert fields["Sec-Fetch-Dest"] == "document"
    assert fields["Sec-Fetch-Site"] == "none"
    assert fields["Accept"].startswith("text/html,")
    assert "Origin" not in fields


async def test_a_fetch_says_that_it_is_one(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.fetch(f"http://127.0.0.1:{port}/", method="PUT", body=b"x")
    fields = shown(page)["fields"]
    assert fields["Sec-Fetch-Mode"] == "cors"
    assert fields["Sec-Fetch-Dest"] == "empty"
    assert fields["Sec-Fetch-Site"] == "same-origin"
    assert fields["Accept"] == "*/*"
    assert fields["Origin"] == f"http://127.0.0.1:{port}"


async def test_fields_of_the_test_replace_those_of_the_browser(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.navigate(f"http://127.0.0.1:{port}/", fields={"accept": "text/plain"})
    assert shown(page)["fields"]["Accept"] == "text/plain"


async def test_an_address_is_sent_as_it_is_spelled(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.navigate(f"http://127.0.0.1:{port}/a%2fb%7E?x=%41+b&&y")
    assert shown(page)["target"] == "/a%2fb%7E?x=%41+b&&y"


async def test_any_host_name_leads_to_loopback(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.navigate(f"http://demarches.example.gouv.fr:{port}/")
    assert shown(page)["fields"]["Host"] == f"demarches.example.gouv.fr:{port}"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "app.example"])
async def test_cookies_come_back_to_their_host_and_path_and_nowhere_else(
    port: int, http_browser: HTTPBrowser, host: str
) -> None:
    await http_browser.navigate(f"http://{host}:{port}/cookies")
    assert shown(await http_browser.navigate(f"http://{host}:{port}/x"))["cookies"] == {"plain": "a=b"}
    assert set(http_browser.cookies(f"http://{host}:{port}/only-here")) == {"plain", "narrow"}
    assert shown(await http_browser.navigate(f"http://other.example:{port}/"))["cookies"] == {}
    http_browser.forget_cookies()
    assert http_browser.cookies(f"http://{host}:{port}/") == {}


async def test_no_redirect_is_followed_unasked(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.navigate(f"http://127.0.0.1:{port}/redirect?to=/a%252Fb%3Fx")
    assert page.status == 302
    assert page.location == URL(f"http://127.0.0.1:{port}/a%2Fb?x", encoded=True)


async def test_following_ends_at_an_answer_that_is_no_redirect(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.open(f"http://127.0.0.1:{port}/redirect?to=/redirect?to=/end")
    assert shown(page)["target"] == "/end"


async def test_following_stops_before_the_address_named(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.open(
        f"http://127.0.0.1:{port}/redirect?to=http://127.0.0.1:1/callback?code=1",
        until="http://127.0.0.1:1/callback",
    )
    assert str(page.location) == "http://127.0.0.1:1/callback?code=1"


async def test_redirects_without_end_are_a_failure(port: int, http_browser: HTTPBrowser) -> None:
    loop = f"http://127.0.0.1:{port}/redirect?to=?to="
    with pytest.raises(AssertionError, match="more than 20 redirects"):
        await http_browser.open(f"http://127.0.0.1:{port}/redirect?to=" + loop)


async def test_an_answer_that_is_no_redirect_has_no_location(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.navigate(f"http://127.0.0.1:{port}/")
    with pytest.raises(AssertionError, match="answered 200, not a redirect"):
        _ = page.location


@pytest.mark.parametrize(
    "path, site",
    [
        ("/end", "same-origin"),
        ("http://127.0.0.1:{port}/end", "cross-site"),
        ("http://127.0.0.1:{port}/redirect?to=http://localhost:{port}/end", "cross-site"),
    ],
)
async def test_a_link_says_how_far_away_it_led_over_all_redirects(
    port: int, http_browser: HTTPBrowser, path: str, site: str
) -> None:
    page = await http_browser.navigate(
        f"http://localhost:{port}/redirect?to={path.format(port=port)}",
        initiator=URL(f"http://localhost:{port}/forms"),
    )
    assert shown(await http_browser.follow(page))["fields"]["Sec-Fetch-Site"] == site


async def test_a_page_shows_its_forms_buttons_and_links(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.navigate(f"http://127.0.0.1:{port}/forms")
    search, post = page.forms
    assert (search.method, search.fields) == ("GET", (("q", "é & è"),))
    assert (post.method, post.action) == ("POST", "/post?kept=1")
    assert post.fields == (("token", "t"), ("who", ""), ("on", "1"))
    assert post.buttons == (
        Button("choice", "one", "First"),
        Button("choice", "two", "two"),
        Button("choice", "three", "Outside it"),
    )
    assert page.links == [Link("/next?x=%2F", "Go on"), Link("/other", "Elsewhere")]


@pytest.mark.parametrize("press, choice", [("one", "one"), ("two", "two"), ("Outside it", "three")])
async def test_a_form_is_sent_with_what_it_holds_what_is_typed_and_the_button_pressed(
    port: int, http_browser: HTTPBrowser, press: str, choice: str
) -> None:
    page = await http_browser.navigate(f"http://localhost:{port}/forms")
    sent = shown(await http_browser.submit(page, press=press, who="Éléonore"))
    assert (sent["method"], sent["target"]) == ("POST", "/post?kept=1")
    assert sent["form"] == [["token", "t"], ["on", "1"], ["who", "Éléonore"], ["choice", choice]]
    assert sent["fields"]["Origin"] == f"http://localhost:{port}"
    assert sent["fields"]["Sec-Fetch-Site"] == "same-origin"


async def test_a_form_sent_with_get_asks_with_its_fields(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.navigate(f"http://localhost:{port}/forms")
    sent = shown(await http_browser.submit(page, press="Find", q="a b"))
    assert (sent["method"], sent["target"]) == ("GET", "/search?q=a+b")


async def test_a_link_is_followed_by_its_text(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.navigate(f"http://localhost:{port}/forms")
    assert shown(await http_browser.click(page, "Go on"))["target"] == "/next?x=%2F"


async def test_a_button_that_is_not_there_is_a_failure(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.navigate(f"http://localhost:{port}/forms")
    with pytest.raises(AssertionError, match="0 buttons 'Buy'"):
        await http_browser.submit(page, press="Buy")


@pytest.mark.parametrize("status", [303, 302])
async def test_a_redirected_post_becomes_a_get(port: int, http_browser: HTTPBrowser, status: int) -> None:
    page = await http_browser.navigate(
        f"http://localhost:{port}/redirect?to=/end&status={status}", method="POST", form={"a": "b"}
    )
    assert shown(await http_browser.follow(page))["method"] == "GET"


async def test_a_post_redirected_with_its_body_is_a_failure(port: int, http_browser: HTTPBrowser) -> None:
    page = await http_browser.navigate(
        f"http://localhost:{port}/redirect?to=/end&status=307", method="POST", form={"a": "b"}
    )
    with pytest.raises(AssertionError, match="redirects a POST with its body"):
        await http_browser.follow(page)
