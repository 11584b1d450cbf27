"""One story: a person, a gateway, an old application, and a provider that may turn hostile; all on loopback.

When a story ends, no log line of it may hold anything secret that was seen on the way.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from gateway.adapters import now
from gateway.demo.provider import Provider, Registration
from gateway.demo.provider_keys import KeyPair
from gateway.demo.upstream import make_upstream
from gateway.errors import Fault
from tests.support.gateway import GATEWAY_SECRET, RunningGateway, Wanted, running_gateway
from tests.support.hostile import Alteration, Hostile, hostile_provider
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import Client
from tests.support.page import Page
from tests.support.serving import served
from tests.support.unsaid import Unsaid, all_logging, as_lines

CLIENT = Client(
    client_id="the-client-of-the-story",
    client_secret="5d0ac9b2e61f4f7c8a3be94d17c6f2085d0ac9b2e61f4f7c8a3be94d17c6f208",
    client_name="Gestion des dossiers",
    id_token_signed_response_alg="RS256",
    userinfo_signed_response_alg="RS256",
    type="public",
)
PROTECTED = "/private/dossier?numero=42"
PERSON = "eleonore"
WAIT_SECONDS = 15.0
POLL_SECONDS = 0.05


@cache
def key_pair() -> KeyPair:
    """Made once for a whole run: RSA keys take their time."""
    return KeyPair.generate()


def registration(client: Client, gateway: RunningGateway) -> Registration:
    """The gateway's registration at the demo's provider."""
    return Registration(
        client_id=client.client_id,
        client_secret=client.client_secret,
        redirect_uris=(gateway.redirect_uri,),
        post_logout_redirect_uris=(gateway.post_logout_redirect_uri,),
        id_token_signed_response_alg=client.id_token_signed_response_alg,
        userinfo_signed_response_alg=client.userinfo_signed_response_alg,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everybody in the story, and what each was asked.

    Args:
        gateway: the gateway.
        provider: the provider, with the journal of its calls.
        upstream: method and target of each request that the application got.
        attacker: the same for an origin where nobody has any business.
        browser: a person's.
        unsaid: what no log line may hold.
        more: where further browsers are kept.
        browsers: each of them.
        app: the app's name.
        at: the provider's name.
        settle: brings what the gateway has logged so far into its `lines`.
        trust: whose certificates browsers believe.
    """

    gateway: RunningGateway
    provider: Hostile
    upstream: list[str]
    attacker: list[str]
    browser: HTTPBrowser
    unsaid: Unsaid
    more: AsyncExitStack
    browsers: list[HTTPBrowser]
    app: str = "app"
    at: str = "default"
    settle: Callable[[], None] = lambda: None
    trust: ssl.SSLContext | None = None

    async def another_browser(self) -> HTTPBrowser:
        """Somebody else's browser."""
        browser = await self.more.enter_async_context(HTTPBrowser(trust=self.trust))
        self.browsers.append(browser)
        return browser

    def own(self, path: str) -> str:
        """A URL of the gateway's own."""
        return f"{self.gateway.url}/_gateway/{path}"

    async def begin(self, browser: HTTPBrowser | None = None, *, return_to: str = PROTECTED) -> Page:
        """Start a sign-in: the redirect to the provider."""
        return await (browser or self.browser).navigate(
            URL(self.own("sign-in")).with_query(return_to=return_to)
        )

    async def answered(
        self,
        browser: HTTPBrowser | None = None,
        *,
        person: str = PERSON,
        return_to: str = PROTECTED,
    ) -> Page:
        """Sign in as far as the provider's answer: the redirect to the callback, not followed."""
        browser = browser or self.browser
        return await self.choose(await self.begin(browser, return_to=return_to), browser, person=person)

    async def choose(self, begun: Page, browser: HTTPBrowser | None = None, *, person: str = PERSON) -> Page:
        """Go on to the provider and choose a person, unless one is signed in there: its answer."""
        browser = browser or self.browser
        page = await browser.follow(begun, until=self.gateway.redirect_uri)
        return page if page.status == 303 else await browser.submit(page, press=person)

    async def sign_in(
        self,
        browser: HTTPBrowser | None = None,
        *,
        person: str = PERSON,
        return_to: str = PROTECTED,
    ) -> Page:
        """Sign in wholly: the page at the end of it."""
        browser = browser or self.browser
        return await browser.follow(await self.answered(browser, person=person, return_to=return_to))

    async def press_sign_out(self, browser: HTTPBrowser | None = None) -> Page:
        """What a sign-out button of the application does: the answer to it."""
        page = URL(self.gateway.url + PROTECTED)
        return await (browser or self.browser).navigate(self.own("sign-out"), method="POST", initiator=page)

    async def signed_in(self, browser: HTTPBrowser | None = None) -> bool:
        """Whether a browser has a living session; the application is not asked."""
        return (await (browser or self.browser).navigate(self.own("whoami"))).status == 200

    def events(self, name: str) -> list[Any]:
        """The audit events of one name."""
        self.settle()
        return [event for event in self.gateway.audited() if event["event"] == name]

    async def refused(
        self,
        page: Page,
        *,
        status: int,
        fault: Fault,
        token: int = 0,
        userinfo: int = 0,
        browser: HTTPBrowser | None = None,
    ) -> None:
        """Check everything that holds whenever a sign-in is refused, for a browser without a session.

        Args:
            page: the answer to the callback.
            status: its status.
            fault: what the one audit line says.
            token: how many token requests there were.
            userinfo: how many userinfo requests.
            browser: whose sign-in it was.
        """
        assert page.status == status, page.text[:500]
        assert page.fields["Cache-Control"] == "no-store"
        assert page.fields["Content-Type"] == "text/html; charset=utf-8"
        assert ("Retry-After" in page.fields) == (status == 503)
        assert (self.provider.calls("token"), self.provider.calls("userinfo")) == (token, userinfo)
        (event,) = self.events("sign-in-refused")
        assert (event["fault"], event["provider"], event["app"]) == (fault.value, self.at, self.app)
        assert event["request_id"] in page.text
        assert self.events("sign-in") == []
        assert (self.upstream, self.attacker) == ([], [])
        await self.nobody(browser)

    async def nobody(self, browser: HTTPBrowser | None = None) -> None:
        """Check that a browser has no session: the next protected page asks to sign in, and costs nothing."""
        browser = browser or self.browser
        assert "gateway" not in browser.cookies(self.gateway.url)
        asked = len(self.upstream)
        page = await browser.navigate(self.gateway.url + PROTECTED)
        assert (page.status, len(self.upstream)) == (401, asked)


@asynccontextmanager
async def story(
    *alterations: Alteration,
    client: Mapping[str, Any] | None = None,
    away: bool = False,
    clock: Callable[[], int] = now,
    **wanted: Any,
) -> AsyncIterator[Story]:
    """Set the scene.

    Args:
        alterations: what the provider does not say honestly from the start.
        client: what differs in the client's registration, on both sides.
        away: whether nobody is at the provider's address yet; `provider.start` changes that.
        clock: Unix seconds, for both sides.
        wanted: further parts of `Wanted`.
    """
    registered = Client(**{**{name: getattr(CLIENT, name) for name in CLIENT.__slots__}, **(client or {})})
    unsaid, upstream, attacker, browser = Unsaid(), list[str](), list[str](), HTTPBrowser()
    unsaid.add("client secret", registered.client_secret)
    unsaid.add("gateway's secret", GATEWAY_SECRET)
    with all_logging() as lines:
        async with AsyncExitStack() as stack:
            trap = await stack.enter_async_context(served(recording(web.Application(), attacker)))
            provider = await stack.enter_async_context(
                hostile_provider(
                    Provider(keys=key_pair(), clock=clock), key_pair(), attacker=trap, unsaid=unsaid
                )
            )
            provider.alter(*alterations)
            if away:
                await provider.stop()
            wanted.setdefault(
                "upstream", await stack.enter_async_context(served(recording(make_upstream(), upstream)))
            )
            gateway = await stack.enter_async_context(
                running_gateway(Wanted(issuer=provider.issuer, client=registered, **wanted), clock=clock)
            )
            provider.memory.register(registration(registered, gateway))
            browsers = [await stack.enter_async_context(browser)]
            yield Story(
                gateway=gateway,
                provider=provider,
                upstream=upstream,
                attacker=attacker,
                browser=browser,
                unsaid=unsaid,
                more=stack,
                browsers=browsers,
            )
    for each in browsers:
        for page in each.pages:
            unsaid.add_page(page)
    assert unsaid.found_in([*lines, *as_lines(gateway.lines)]) == []
    assert unsaid.found_in_pages((page for each in browsers for page in each.pages), of=gateway.url) == []


def recording(application: web.Application, requests: list[str]) -> web.Application:
    """An application that writes down the method and the target of each request it gets."""
    application.middlewares.insert(0, _recorder(requests))
    return application


def _recorder(requests: list[str]) -> Middleware:
    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        requests.append(f"{request.method} {request.raw_path}")
        return await handler(request)

    return record
