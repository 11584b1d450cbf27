"""Two gateway processes behind a load balancer, with one store: what a person does there, what is kept."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from gateway.demo.upstream import make_upstream
from tests.support.balancer import Balancer
from tests.support.gateway import Wanted, gateway_process
from tests.support.http_browser import HTTPBrowser
from tests.support.page import Page
from tests.support.processes import Program


@dataclass(frozen=True, slots=True)
class Store:
    """A session store.

    Args:
        url: as `sessions.store` takes it.
        dump: every octet that it holds.
    """

    url: str
    dump: Callable[[], bytes]


@dataclass
class Waiting:
    """The old application, with a page that answers when it is told to."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def application(self) -> web.Application:
        async def waits(_: web.Request) -> web.Response:
            self.asked.set()
            await self.go.wait()
            return web.Response(text="waited for")

        application = make_upstream()
        application.add_routes([web.get("/waits", waits)])
        return application


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """Two gateways.

    Args:
        wanted: their settings.
        folder: where their settings files are.
        ports: where each listens.
        balancer: what stands in front of them.
        browser: a person's; each request of it is a connection of its own.
        application: the application behind.
        programs: the processes.
        stack: ends them.
    """

    wanted: Wanted
    folder: Path
    ports: tuple[int, ...]
    balancer: Balancer
    browser: HTTPBrowser
    application: Waiting
    programs: list[Program] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Start both."""
        for port in self.ports:
            running = gateway_process(self.wanted, self.folder, port=port, public_url=self.balancer.url)
            self.programs.append(self.stack.enter_context(running)[1])

    async def restart(self) -> None:
        """End both, so that nothing but the store outlives them, and start them again."""
        for program in self.programs:
            program.signal(signal.SIGTERM)
        for program in self.programs:
            assert await asyncio.to_thread(program.wait) == 0
        self.stack.pop_all().close()
        self.programs.clear()
        self.start()

    def at(self, number: int) -> str:
        """The address that browsers use, with one of the gateways behind it from now on."""
        self.balancer.to = self.ports[number]
        return self.balancer.url

    async def sign_in(self) -> Page:
        """Sign in, each step at the other gateway than the step before."""
        page = await self.browser.navigate(f"{self.at(0)}/private/dossier?numero=42")
        assert page.status == 401
        self.at(1)
        page = await self.browser.click(page, "S'identifier avec ProConnect")
        page = await self.browser.submit(await self.browser.follow(page), press="eleonore")
        page = await self.browser.follow(page, until=f"{self.balancer.url}/_gateway/callback")
        self.at(0)
        page = await self.browser.step(page)
        self.at(1)
        return await self.browser.follow(page)

    async def known(self, number: int) -> bool:
        """Whether one of the gateways knows the person."""
        page = await self.browser.fetch(f"{self.at(number)}/api/me")
        assert page.status in {200, 401}
        return page.status == 200

    async def has_served(self, number: int, path: str) -> None:
        """Return once one of the gateways has logged a request for a path."""
        await asyncio.to_thread(self.programs[number].line, f'"path": "{path}"')
