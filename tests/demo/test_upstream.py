from __future__ import annotations

import asyncio
import hashlib
import io
from typing import TypeAlias

import pytest
from aiohttp import FormData, WSMsgType, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from gateway.demo.upstream import make_upstream

Client: TypeAlias = TestClient[web.Request, web.Application]

ELEONORE = {
    "X-ProConnect-Given-Name": "%C3%89l%C3%A9onore",
    "X-ProConnect-Usual-Name": "Lef%C3%A8vre-%C5%92illet",
    "X-ProConnect-Email": "eleonore@morbihan.example.gouv.fr",
    "X-ProConnect-Organization-Label": "Pr%C3%A9fecture du Morbihan",
}


@pytest.fixture
async def upstream(aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(make_upstream())


async def get(upstream: Client, path: str, **fields: str) -> str:
    async with upstream.get(path, headers=fields) as answer:
        assert answer.status == 200
        return await answer.text()


async def raw_exchange(upstream: Client, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(upstream.host, upstream.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_the_home_page_greets_with_the_decoded_name(upstream: Client) -> None:
    page = await get(upstream, "/", **ELEONORE)
    assert "Bonjour Éléonore Lefèvre-Œillet" in page
    assert "Préfecture du Morbihan" in page


async def test_the_home_page_shows_each_field_as_sent_and_as_read(upstream: Client) -> None:
    page = await get(upstream, "/", **ELEONORE)
    assert "X-ProConnect-Given-Name" in page
    assert "<code>%C3%89l%C3%A9onore</code>" in page
    assert "<td>Éléonore</td>" in page


@pytest.mark.parametrize(
    "cookie, sentence",
    [
        ("other=1", "comme il se doit"),
        ("__Host-gateway=secret", "un cookie de la passerelle est arrivé"),
        ("gateway-pending=secret", "un cookie de la passerelle est arrivé"),
    ],
)
async def test_the_home_page_says_whether_the_gateways_cookie_came_through(
    upstream: Client, cookie: str, sentence: str
) -> None:
    assert sentence in await get(upstream, "/", Cookie=cookie)


async def test_the_application_keeps_a_cookie_of_its_own(upstream: Client) -> None:
    async with upstream.get("/") as answer:
        assert answer.cookies["DOSSIERS_VISITE"]["httponly"]


@pytest.mark.parametrize("path", ["/", "/public/", "/private/x", "/form"])
async def test_what_comes_in_a_field_is_escaped(upstream: Client, path: str) -> None:
    page = await get(upstream, path, **{"X-ProConnect-Given-Name": "%3Cscript%3Ealert(1)%3C/script%3E"})
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


async def test_a_deep_link_shows_its_target_untouched(upstream: Client) -> None:
    answer = await raw_exchange(
        upstream,
        b"GET /private/a%2Fb/?q=pi%C3%A8ces&x=%3c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    assert b"<code>/private/a%2Fb/?q=pi%C3%A8ces&amp;x=%3c</code>" in answer
    assert "<td>pièces</td>".encode() in answer


@pytest.mark.parametrize(
    "fields, sentence",
    [
        ({}, '<a href="/">Aller à l'),
        (ELEONORE, "<b>Éléonore Lefèvre-Œillet</b> est connecté(e)."),
    ],
    ids=["anonymous", "signed in"],
)
async def test_the_public_page_knows_whether_somebody_is_there(
    upstream: Client, fields: dict[str, str], sentence: str
) -> None:
    assert sentence in await get(upstream, "/public/", **fields)


async def test_only_somebody_who_is_there_is_offered_to_sign_out(upstream: Client) -> None:
    button = '<form method="post" action="/_gateway/sign-out">'
    assert button in await get(upstream, "/", **ELEONORE)
    assert button not in await get(upstream, "/public/")


async def test_the_admin_page_says_that_it_should_not_be_seen(upstream: Client) -> None:
    assert "vous ont laissé passer" in await get(upstream, "/admin/")


@pytest.mark.parametrize("path, kind", [("legacy.css", "css"), ("legacy.js", "javascript")])
async def test_style_and_script_are_public_files(upstream: Client, path: str, kind: str) -> None:
    async with upstream.get(f"/assets/{path}") as answer:
        assert answer.status == 200
        assert answer.content_type.endswith(kind)


async def test_the_json_lists_every_field_line_as_received(upstream: Client) -> None:
    answer = await raw_exchange(
        upstream,
        b"GET /api/me HTTP/1.1\r\nHost: a\r\nx-B: 1\r\nX-a: caf\xc3\xa9\r\nX-a: caf\xe9\r\n"
        b"Connection: close\r\n\r\n",
    )
    body = answer.partition(b"\r\n\r\n")[2]
    assert body == (
        b'[["Host", "a"], ["x-B", "1"], ["X-a", "caf\\u00c3\\u00a9"], ["X-a", "caf\\u00e9"], '
        b'["Connection", "close"]]'
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_the_json_answers_any_method(upstream: Client, method: str) -> None:
    async with upstream.request(method, "/api/me", headers={"X-One": "1"}) as answer:
        assert ["X-One", "1"] in await answer.json()


async def test_a_form_echoes_what_it_sent(upstream: Client) -> None:
    async with upstream.post("/form", data={"objet": "Pièce <1>", "message": "a\nb"}) as answer:
        page = await answer.text()
    assert "Pièce &lt;1&gt;" in page
    assert "a\nb</td>" in page


async def test_a_form_without_answer_yet_shows_no_table(upstream: Client) -> None:
    assert "Ce que le formulaire a envoyé" not in await get(upstream, "/form")


async def test_a_file_larger_than_a_chunk_is_measured(upstream: Client) -> None:
    content = bytes(range(256)) * 12_000
    form = FormData({"note": "before"})
    form.add_field("fichier", io.BytesIO(content), filename="plan.pdf")
    async with upstream.post("/upload", data=form) as answer:
        page = await answer.text()
    assert "plan.pdf" in page
    assert f"{len(content)} octets" in page
    assert hashlib.sha256(content).hexdigest() in page


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_any_other_body_is_measured_as_json(upstream: Client, method: str) -> None:
    async with upstream.request(method, "/upload", data=b"abc") as answer:
        assert await answer.json() == {
            "name": "",
            "size": 3,
            "sha256": hashlib.sha256(b"abc").hexdigest(),
        }


async def test_the_upload_page_offers_a_file_field(upstream: Client) -> None:
    assert 'type="file"' in await get(upstream, "/upload")


async def test_events_come_one_by_one_with_the_persons_name(upstream: Client) -> None:
    async with upstream.get("/events?count=2&interval=0", headers=ELEONORE) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        text = await answer.text()
    assert text == (
        "id: 1\ndata: 1 pour Éléonore Lefèvre-Œillet\n\nid: 2\ndata: 2 pour Éléonore Lefèvre-Œillet\n\n"
    )


async def test_the_first_event_does_not_wait_for_the_last(upstream: Client) -> None:
    async with upstream.get("/events?count=2&interval=100") as answer:
        assert await answer.content.readline() == b"id: 1\n"


async def test_a_websocket_echoes_text_and_bytes(upstream: Client) -> None:
    async with upstream.ws_connect("/ws") as socket:
        await socket.send_str("Ça marche")
        assert await socket.receive_str() == "Ça marche"
        await socket.send_bytes(b"\x00\xff")
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.BINARY, b"\x00\xff")


async def test_without_an_upgrade_there_is_the_page_that_uses_it(upstream: Client) -> None:
    assert '<script src="/assets/legacy.js"' in await get(upstream, "/ws")


async def test_a_slow_answer_says_how_long_it_took(upstream: Client) -> None:
    assert await get(upstream, "/slow?seconds=0.01") == "Réponse après 0.01 s\n"


@pytest.mark.parametrize("seconds", ["x", "-1", "121", "nan", "inf", ""])
async def test_a_wait_that_is_no_sensible_number_is_refused(upstream: Client, seconds: str) -> None:
    async with upstream.get(f"/slow?seconds={seconds}") as answer:
        assert answer.status == 400


async def test_what_does_not_exist_is_a_page_that_says_so(upstream: Client) -> None:
    async with upstream.get("/nowhere") as answer:
        assert answer.status == 404
        assert "Page introuvable" in await answer.text()


async def test_pages_may_post_to_another_origin_through_a_redirect(upstream: Client) -> None:
    async with upstream.get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    # The sign-out form ends at the provider: a form-action here would stop it.
    assert "form-action" not in policy
