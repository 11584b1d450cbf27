"""The stage that hostile cases share: one gateway as a process, many issuers, an attacker, an application.

Nothing is started anew between two cases: a `scene` forgets what was before, and checks at its end what holds
whatever happened: nothing secret was said, memory is bounded, an honest sign-in works, nobody asked the
attacker.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import warnings
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.demo.provider import Provider
from gateway.demo.provider_keys import KeyPair
from gateway.demo.provider_state import PREFIX
from gateway.demo.upstream import make_upstream
from gateway.errors import Fault
from tests.support.background import Background, background
from tests.support.certificates import TestAuthority
from tests.support.gateway import GATEWAY_SECRET, RunningGateway, gateway_process
from tests.support.hostile import Hostile
from tests.support.http_browser import HTTPBrowser
from tests.support.issuers import Issuer
from tests.support.page import Page
from tests.support.processes import LOOPBACK, Program
from tests.support.story import CLIENT, Story, key_pair, recording, registration
from tests.support.unsaid import Unsaid

SECOND: Final = "127.0.0.2"
ATTACKER: Final = "127.0.0.3"
"""Loopback addresses, so that each origin is another host and has a certificate of its own."""

GROWTH: Final = 32 << 20  # octets
CHANGE_IS_SEEN_WITHIN: Final = 20.0  # seconds
POLL_SECONDS: Final = 0.05
LONGEST: Final = 10.0  # seconds, the default deadline of a sign-in's calls
USUAL: Final = "usual"
OTHER: Final = "second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everybody on the stage.

    Args:
        program: the gateway's process.
        gateway: where it listens.
        providers: each issuer by its name.
        attacker: the requests that reached the attacker's origin, or one with a wrong certificate.
        upstream: the requests that reached the application.
        unsaid: what no line may hold.
        trust: believes the certificates of the stage.
        loop: where the issuers and the application run.
        lines: everything that the gateway has written.
    """

    program: Program
    gateway: RunningGateway
    providers: dict[str, Hostile]
    attacker: list[str]
    upstream: list[str]
    unsaid: Unsaid
    trust: ssl.SSLContext
    loop: Background
    lines: list[str] = field(default_factory=list)
    _marks: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, at: str) -> str:
        """Where browsers reach the app whose people sign in at an issuer."""
        return f"http://{at}.localhost:{self.gateway.port}"

    def memory(self) -> int:
        """The gateway's resident memory in octets."""
        pages = Path(f"/proc/{self.program.pid}/statm").read_text("utf-8").split()[1]
        return int(pages) * 4096

    def written(self) -> list[str]:
        """The lines that the gateway has written since the last time; each is one JSON object."""
        mark = f"/_gateway/assets/mark-{next(self._marks)}"
        connection = HTTPConnection(LOOPBACK, self.gateway.port, timeout=LONGEST)
        connection.request("GET", mark, headers={"Host": f"{USUAL}.localhost"})
        assert connection.getresponse().status == 404
        connection.close()
        lines = self.program.lines_until(f'"path":\\s*"{mark}"')
        self.lines.extend(lines)
        return lines

    async def reset(self, *names: str) -> None:
        """Let issuers be as from the start."""
        for name in names:
            self.loop.run(_in_loop(self.providers[name]))

    @asynccontextmanager
    async def scene(
        self, at: str = USUAL, *, afterwards: str | None = None, seconds: float = LONGEST, honest: bool = True
    ) -> AsyncIterator[Story]:
        """One case, played by an issuer and a browser of its own.

        Args:
            at: the issuer's name.
            afterwards: where an honest sign-in is to work when the case is over; `at` by default.
            seconds: how long the case may take.
            honest: whether that sign-in is asked for.
        """
        self.written()
        afterwards = at if afterwards is None else afterwards
        await self.reset(at, OTHER, afterwards)
        self.upstream.clear()
        gateway = replace(self.gateway, url=self.url(at), lines=[])
        lines: list[str] = []

        def settle() -> None:
            new = self.written()
            lines.extend(new)
            gateway.lines.extend(json.loads(line) for line in new)

        before, began = self.memory(), time.monotonic()
        browsers: list[HTTPBrowser] = []
        async with AsyncExitStack() as stack:
            browsers.append(await stack.enter_async_context(HTTPBrowser(trust=self.trust)))
            yield Story(
                gateway=gateway,
                provider=self.providers[at],
                upstream=self.upstream,
                attacker=self.attacker,
                browser=browsers[0],
                unsaid=self.unsaid,
                more=stack,
                browsers=browsers,
                app=at,
                at=at,
                settle=settle,
                trust=self.trust,
            )
            settle()
            took, grown = time.monotonic() - began, self.memory() - before
        pages = [page for browser in browsers for page in browser.pages]
        for page in pages:
            self.unsaid.add_page(page)
        assert self.unsaid.found_in(lines) == []
        assert self.unsaid.found_in_pages(pages, of=gateway.url) == []
        assert [line for line in gateway.lines if line["event"] == "unexpected"] == []
        assert self.attacker == []
        assert took < seconds
        assert grown < GROWTH
        if honest:
            await self.reset(at, afterwards)
            async with HTTPBrowser(trust=self.trust) as browser:
                page = await self.sign_in(afterwards, browser)
            assert (page.status, page.url.path) == (200, "/private/page"), page.text[:300]
            for page in browser.pages:
                self.unsaid.add_page(page)

    async def sign_in(self, at: str, browser: HTTPBrowser) -> Page:
        """Sign in honestly at an issuer: the page first asked for."""
        begun = await browser.navigate(f"{self.url(at)}/_gateway/sign-in?return_to=/private/page")
        return await browser.follow(await browser.submit(await browser.follow(begun), press="eleonore"))

    async def until_fault(self, at: str, fault: Fault | None) -> None:
        """Wait until the gateway says that of an issuer.

        Raises:
            TimeoutError: it takes longer than it may.
        """
        async with HTTPBrowser() as browser, asyncio.timeout(CHANGE_IS_SEEN_WITHIN):
            while True:
                said = json.loads((await browser.fetch(f"{self.gateway.observe}/ready")).text)
                if said["faults"].get(f"providers.{at}") == (fault and fault.value):
                    return
                await asyncio.sleep(POLL_SECONDS)


async def _in_loop(provider: Hostile) -> None:
    provider.reset()


@dataclass(frozen=True, slots=True)
class _Settings:
    """The gateway's settings file, but for its addresses."""

    sections: str
    host: str = f"{USUAL}.localhost"

    def toml(self, *, url: str, front: str, observe: str) -> str:
        return f"""
[gateway]
public_url = "{url}"
listen = "{front}"
secret = "{GATEWAY_SECRET}"
[log]
level = "debug"
[observe]
listen = "{observe}"
{self.sections}
"""


class _Setting:
    """The listeners of a stage, each with a certificate."""

    def __init__(self, folder: Path) -> None:
        self.unsaid = Unsaid()
        self.upstream: list[str] = []
        self.attacker: list[str] = []
        self.providers: dict[str, Hostile] = {}
        self.origins: dict[str, str] = {}
        self._runners: list[web.AppRunner] = []
        self.authority = TestAuthority.new(folder)
        self._foreign = TestAuthority.new(folder)

    async def open(self, issuers: Iterable[Issuer]) -> None:
        """Listen at every origin."""
        authority, origins = self.authority, self.origins
        self.origins["upstream"] = await self._serve(recording(make_upstream(), self.upstream), LOOPBACK)
        for name, address, context in (
            ("attacker", ATTACKER, authority.server(ATTACKER)),
            ("misnamed", LOOPBACK, authority.server(ATTACKER)),
            ("expired", LOOPBACK, authority.server(LOOPBACK, expired=True)),
            ("untrusted", LOOPBACK, self._foreign.server(LOOPBACK)),
            ("outdated", LOOPBACK, _outdated(authority.server(LOOPBACK))),
        ):
            trap = recording(web.Application(), self.attacker)
            origins[name] = await self._serve(trap, address, context)
        for address in (LOOPBACK, SECOND):
            here = [issuer for issuer in issuers if (issuer.name == OTHER) == (address == SECOND)]
            application = web.Application()
            for issuer in here:
                self._mount(application, issuer)
            origin = await self._serve(application, address, authority.server(address))
            for issuer in here:
                self.providers[issuer.name].memory.issuer = f"{origin}/{issuer.name}{PREFIX}"

    async def close(self) -> None:
        """Be gone."""
        for runner in self._runners:
            await runner.cleanup()

    def _mount(self, application: web.Application, issuer: Issuer) -> None:
        keys = KeyPair.generate() if issuer.own_keys else key_pair()
        provider = Hostile(
            memory=Provider(keys=keys),
            keys=keys,
            attacker=self.origins["attacker"],
            origins=self.origins,
            unsaid=self.unsaid,
            base=issuer.base,
        )
        provider.reset()
        self.providers[issuer.name] = provider
        application.add_subapp(f"/{issuer.name}", provider.application())

    async def _serve(
        self, application: web.Application, address: str, context: ssl.SSLContext | None = None
    ) -> str:
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, address, 0, ssl_context=context).start()
        return f"http{'s' if context else ''}://{address}:{runner.addresses[0][1]}"


def _outdated(context: ssl.SSLContext) -> ssl.SSLContext:
    """A server that knows no newer TLS than 1.1 (RFC 8996)."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@contextmanager
def stage(issuers: Sequence[Issuer], folder: Path) -> Iterator[Stage]:
    """Set the stage: the issuers, then the gateway that knows them all, at debug level.

    Args:
        issuers: one named `usual` and one named `second` among them.
        folder: where certificates and settings go.
    """
    setting = _Setting(folder)
    setting.unsaid.add("client secret", CLIENT.client_secret)
    setting.unsaid.add("gateway's secret", GATEWAY_SECRET)
    with background() as loop:
        loop.run(setting.open(issuers))
        sections = [
            issuer.toml(
                issuer.address or setting.providers[issuer.name].issuer,
                origins=setting.origins,
                ca_file=setting.authority.file(),
            )
            for issuer in issuers
        ]
        try:
            with gateway_process(_Settings("".join(sections)), folder) as (gateway, program):
                for issuer in issuers:
                    there = replace(gateway, url=f"http://{issuer.name}.localhost:{gateway.port}")
                    memory = setting.providers[issuer.name].memory
                    memory.register(registration(issuer.registered, there))
                playing = Stage(
                    program=program,
                    gateway=gateway,
                    providers=setting.providers,
                    attacker=setting.attacker,
                    upstream=setting.upstream,
                    unsaid=setting.unsaid,
                    trust=setting.authority.trust(),
                    loop=loop,
                    lines=program.stdout,
                )
                yield playing
                playing.written()
            assert setting.unsaid.found_in(playing.lines) == []
            assert setting.attacker == []
        finally:
            loop.run(setting.close())
