"""A cache in front of the gateway, which an administrator may forget about: nobody sees another's page."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from gateway.demo.provider import Provider, serve
from gateway.demo.upstream import make_upstream
from tests.support.flows import sign_in
from tests.support.gateway import Wanted, gateway_process
from tests.support.http_browser import HTTPBrowser
from tests.support.page import Page
from tests.support.processes import LOOPBACK, Program, find_program, free_port
from tests.support.serving import served
from tests.support.story import CLIENT, PROTECTED, key_pair, registration

pytestmark = pytest.mark.real

ROUTES: Final = '[[apps.routes]]\npath = "/assets/"\naccess = "public"'
PATHS: Final = (PROTECTED, "/", "/api/me", "/_gateway/whoami", "/_gateway/sign-in?return_to=/", "/nothing")
STYLE: Final = "/assets/legacy.css"


@contextmanager
def caching(folder: Path, *, front: int, behind: int) -> Iterator[Program]:
    """Nginx as a cache of everything that may be kept, its key as it comes: scheme, host and target."""
    user = "user root;" if os.geteuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; {user} worker_processes 1; pid {folder}/nginx.pid; error_log stderr;\n"
        f"events {{ worker_connections 64; }}\nhttp {{ access_log off; {temporary}\n"
        f"proxy_cache_path {folder}/cache keys_zone=pages:1m;\n"
        f"server {{ listen {LOOPBACK}:{front}; location / {{ proxy_pass http://{LOOPBACK}:{behind};\n"
        "proxy_set_header Host $http_host; proxy_cache pages; proxy_cache_valid any 10m;\n"
        "add_header X-Cache $upstream_cache_status always; } } }\n",
        "utf-8",
    )
    nginx = find_program("nginx", package="nginx-light")
    with Program([nginx, "-e", "stderr", "-p", str(folder), "-c", str(path)]) as program:
        program.wait_for_port(front)
        yield program


@pytest.fixture
async def cached(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a cache before a gateway."""
    front, behind = free_port(), free_port()
    url = f"http://localhost:{front}"
    async with serve(Provider(keys=key_pair())) as provider, served(make_upstream()) as upstream:
        wanted = Wanted(issuer=provider.issuer, client=CLIENT, upstream=upstream, routes=ROUTES)
        with (
            caching(tmp_path, front=front, behind=behind),
            gateway_process(wanted, tmp_path, port=behind, public_url=url) as (gateway, _),
        ):
            provider.register(registration(CLIENT, gateway))
            # The provider answers nobody while this process waits for another to start.
            await gateway.until_ready()
            yield url


async def test_a_cache_in_front_gives_nobodys_page_to_another(cached: str) -> None:
    async with HTTPBrowser() as first, HTTPBrowser() as second, HTTPBrowser() as stranger:
        people = {first: "eleonore", second: "zoe"}
        for browser, person in people.items():
            assert (await sign_in(browser, cached + PROTECTED, person)).status == 200
        seen: dict[HTTPBrowser, list[Page]] = {first: [], second: [], stranger: []}
        for _ in range(2):
            for path in PATHS:
                for browser, pages in seen.items():
                    pages += [await browser.navigate(cached + path), await browser.fetch(cached + path)]
        pages = [page for each in seen.values() for page in each]
        assert {page.fields["X-Cache"] for page in pages} == {"MISS"}
        assert not [page for page in seen[stranger] if "eleonore" in page.text or "zoe" in page.text]
        assert not [page for page in seen[second] if "eleonore" in page.text]
        assert [page for page in seen[first] if "eleonore" in page.text]
        assert [page for page in seen[second] if "zoe" in page.text]
        assert not [page for page in pages if page.fields["X-Cache"] == "HIT" and "Set-Cookie" in page.fields]


async def test_what_an_application_says_may_be_kept_is_kept(cached: str) -> None:
    async with HTTPBrowser() as browser:
        kept = [(await browser.fetch(cached + STYLE)).fields["X-Cache"] for _ in range(2)]
    assert kept == ["MISS", "HIT"]
