"""A small browser without scripts: cookies, redirects one at a time, forms, and the fields browsers send.

Every host name leads to loopback, so that a test may use any name. It knows no SameSite and no `__Host-`:
what depends on those is asked of Chromium.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from yarl import URL

from tests.support.page import REDIRECTS, REDIRECTS_TO_GET, Button, Form, Page
from tests.support.processes import LOOPBACK
from tests.support.watch import passed_by

REDIRECT_LIMIT = 20

COMMON_FIELDS = {
    "Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0",
}
NAVIGATION_FIELDS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
    "Upgrade-Insecure-Requests": "1",
}
FETCH_FIELDS = {
    "Accept": "*/*",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
}
# Fetch Metadata Request Headers: what a chain of redirects passed through counts, not only its end.
NEARNESS = ("same-origin", "same-site", "cross-site")


class _LoopbackResolver(AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:  # noqa: ARG002 - aiohttp's interface
        return [ResolveResult(hostname=host, host=LOOPBACK, port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        return


def _site(initiator: URL | None, target: URL, *, before: str = NEARNESS[0]) -> str:
    if initiator is None:
        return "none"
    if initiator.origin() == target.origin():
        now = "same-origin"
    elif (initiator.scheme, initiator.host) == (target.scheme, target.host):
        now = "same-site"
    else:
        now = "cross-site"
    return max(now, before, key=NEARNESS.index)


class HTTPBrowser:
    """One person's browser: open it with `async with`, one for each person.

    Args:
        connector: another way to connect than plain TCP to loopback.
        trust: whose certificates count; by default the system's.
    """

    def __init__(
        self, connector: aiohttp.BaseConnector | None = None, *, trust: ssl.SSLContext | None = None
    ) -> None:
        self._connector = connector
        self._trust = trust
        self.pages: list[Page] = []
        """Every answer, in order."""
        self._jar: aiohttp.CookieJar
        self._http: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._jar = aiohttp.CookieJar(unsafe=True, quote_cookie=False)
        self._http = aiohttp.ClientSession(
            connector=self._connector
            or aiohttp.TCPConnector(resolver=_LoopbackResolver(), ssl=self._trust or True),
            cookie_jar=self._jar,
            timeout=aiohttp.ClientTimeout(total=30),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    def cookies(self, url: str | URL) -> dict[str, str]:
        """The cookies that a request to `url` would carry."""
        return {name: morsel.value for name, morsel in self._jar.filter_cookies(URL(url)).items()}

    def set_cookie(self, url: str | URL, name: str, value: str) -> None:
        """Plants a cookie, as an attacker or an earlier visit may have."""
        self._jar.update_cookies({name: value}, URL(url))

    def forget_cookies(self) -> None:
        """What closing a browser does to session cookies, done to all."""
        self._jar.clear()

    async def navigate(
        self,
        url: str | URL,
        *,
        method: str = "GET",
        form: Mapping[str, str] | list[tuple[str, str]] | None = None,
        fields: Mapping[str, str] | None = None,
        initiator: URL | None = None,
    ) -> Page:
        """Asks for a page as a person does; redirects are not followed.

        Args:
            url: an absolute URL; sent as it is spelled.
            method: GET or POST.
            form: sent as application/x-www-form-urlencoded.
            fields: laid over the fields that a browser sends.
            initiator: the page whose link or form leads here.
        """
        target = _url(url)
        site = _site(initiator, target)
        sent = {**NAVIGATION_FIELDS, **_origin(method, initiator, target), **(fields or {})}
        return await self._ask(method, target, fields=sent, initiator=initiator, site=site, data=form)

    async def fetch(
        self,
        url: str | URL,
        *,
        method: str = "GET",
        body: bytes | None = None,
        fields: Mapping[str, str] | None = None,
        initiator: URL | None = None,
    ) -> Page:
        """Asks as a page's script does with `fetch`, by default one of the same origin."""
        target = _url(url)
        asker = initiator or target.origin()
        site = _site(asker, target)
        sent = {**FETCH_FIELDS, **_origin(method, asker, target), **(fields or {})}
        return await self._ask(method, target, fields=sent, initiator=asker, site=site, data=body)

    async def _ask(
        self,
        method: str,
        url: URL,
        *,
        fields: Mapping[str, str],
        initiator: URL | None,
        site: str,
        data: object = None,
    ) -> Page:
        sent = CIMultiDict({**COMMON_FIELDS, "Sec-Fetch-Site": site})
        sent.update(fields)
        async with self._http.request(method, url, headers=sent, data=data, allow_redirects=False) as answer:
            page = Page(
                status=answer.status,
                url=url,
                method=method,
                fields=answer.headers,
                body=await answer.read(),
                initiator=initiator,
                site=site,
            )
        self.pages.append(page)
        passed_by(page)
        return page

    async def step(self, page: Page) -> Page:
        """Follows one redirect of a navigation."""
        with_body = page.status not in REDIRECTS_TO_GET and page.method != "GET"
        assert not with_body, f"{page.url} redirects a {page.method} with its body"
        site = _site(page.initiator, page.location, before=page.site if page.initiator else NEARNESS[0])
        return await self._ask(
            "GET", page.location, fields=NAVIGATION_FIELDS, initiator=page.initiator, site=site
        )

    async def follow(self, page: Page, *, until: str | None = None) -> Page:
        """Follows redirects to the first answer that is none, or whose target starts with `until`."""
        for _ in range(REDIRECT_LIMIT):
            if page.status not in REDIRECTS or (until and str(page.location).startswith(until)):
                return page
            page = await self.step(page)
        raise AssertionError(f"more than {REDIRECT_LIMIT} redirects, the last one from {page.url}")

    async def open(self, url: str | URL, *, until: str | None = None) -> Page:
        """Navigates, and follows the redirects."""
        return await self.follow(await self.navigate(url), until=until)

    async def submit(self, page: Page, *, press: str | None = None, **fields: str) -> Page:
        """Sends a page's form; redirects are not followed.

        Args:
            page: a page with one form, or with several and only one that has the button.
            press: a button, by its value or by its label; by default the first, as for the Enter key.
            fields: laid over what the form holds.
        """
        form, button = _choose(page, press)
        filled = [(name, value) for name, value in form.fields if name not in fields]
        filled += fields.items()
        if button is not None and button.name:
            filled.append((button.name, button.value))
        target = (button.action if button else "") or form.action
        action = page.url.join(URL(target, encoded=True)) if target else page.url
        if form.method == "POST":
            return await self.navigate(action, method="POST", form=filled, initiator=page.url)
        return await self.navigate(action.with_query(filled), initiator=page.url)

    async def click(self, page: Page, label: str) -> Page:
        """Follows the link whose text holds `label`; redirects are not followed."""
        found = [link for link in page.links if label in link.label]
        assert len(found) == 1, f"{len(found)} links with {label!r} among {page.links}"
        return await self.navigate(page.url.join(URL(found[0].href, encoded=True)), initiator=page.url)


def _url(url: str | URL) -> URL:
    return url if isinstance(url, URL) else URL(url, encoded=True)


def _origin(method: str, initiator: URL | None, target: URL) -> dict[str, str]:
    return {} if method in {"GET", "HEAD"} else {"Origin": str((initiator or target).origin())}


def _choose(page: Page, press: str | None) -> tuple[Form, Button | None]:
    forms = page.forms
    assert forms, f"no form on {page.url}: {page.text[:500]}"
    if press is None:
        assert len(forms) == 1, f"{len(forms)} forms on {page.url}: say which button"
        return forms[0], forms[0].buttons[0] if forms[0].buttons else None
    pairs = [(form, button) for form in forms for button in form.buttons]
    found = [pair for pair in pairs if press in {pair[1].value, pair[1].label}]
    assert len(found) == 1, f"{len(found)} buttons {press!r} among {[button for _, button in pairs]}"
    return found[0]
