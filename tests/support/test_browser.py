from __future__ import annotations

import pytest
from aiohttp import web
from playwright.async_api import Browser
from pytest_aiohttp import AiohttpServer

pytestmark = pytest.mark.real

PAGE = "<!DOCTYPE html><meta charset=utf-8><title>Vide</title><script>document.title = 'Œuvré'</script>"


async def test_chromium_opens_a_page_and_runs_its_script(
    chromium: Browser, aiohttp_server: AiohttpServer
) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    server = await aiohttp_server(app)
    tab = await chromium.new_page()
    answer = await tab.goto(f"http://127.0.0.1:{server.port}/")
    assert answer is not None
    assert answer.status == 200
    assert await tab.title() == "Œuvré"


async def test_each_context_is_a_person_without_cookies(
    chromium: Browser, aiohttp_server: AiohttpServer
) -> None:
    async def page(request: web.Request) -> web.Response:
        response = web.Response(text=request.cookies.get("who", "nobody"))
        response.set_cookie("who", "someone")
        return response

    app = web.Application()
    app.router.add_get("/", page)
    server = await aiohttp_server(app)
    seen = []
    for _ in range(2):
        context = await chromium.new_context()
        tab = await context.new_page()
        for _ in range(2):
            await tab.goto(f"http://127.0.0.1:{server.port}/")
            seen.append(await tab.inner_text("body"))
    assert seen == ["nobody", "someone", "nobody", "someone"]


async def test_no_host_name_leads_out_of_this_machine(
    chromium: Browser, aiohttp_server: AiohttpServer
) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text=request.host)

    app = web.Application()
    app.router.add_get("/", page)
    server = await aiohttp_server(app)
    tab = await chromium.new_page()
    await tab.goto(f"http://demarches.example.gouv.fr:{server.port}/")
    assert await tab.inner_text("body") == f"demarches.example.gouv.fr:{server.port}"
