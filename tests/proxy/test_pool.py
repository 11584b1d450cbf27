from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.errors import UpstreamBusyError, UpstreamError, UpstreamTimeoutError
from gateway.proxy.connection import Connection
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pool
from gateway.proxy.target import UpstreamAddress, read_address
from tests.proxy.certificates import Authority
from tests.support.processes import LOOPBACK

LIMITS = Limits(connections=1, wait=5)


class Listener:
    """Takes connections and says nothing; counts them, and notes their ends."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.closed = asyncio.Semaphore(0)

    @property
    def address(self) -> UpstreamAddress:
        return read_address(f"http://{LOOPBACK}:{self.port}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()
            self.closed.release()


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.serve, LOOPBACK, 0)
    listener.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listener


@asynccontextmanager
async def pool_of(*addresses: UpstreamAddress, limits: Limits = LIMITS) -> AsyncIterator[Pool]:
    pool = Pool(addresses, limits=limits)
    try:
        yield pool
    finally:
        await pool.close()


async def waiting(*asked: Callable[[], Awaitable[Connection]]) -> list[asyncio.Task[Connection]]:
    """Tasks that have come as far as they can."""
    tasks = [asyncio.ensure_future(ask()) for ask in asked]
    await asyncio.sleep(0)
    return [task for task in tasks if isinstance(task, asyncio.Task)]


async def test_who_waited_first_gets_the_first_place_that_is_free() -> None:
    async with listening() as listener, pool_of(listener.address) as pool:
        connection = await pool.acquire()
        first, second = await waiting(pool.acquire, pool.acquire)
        pool.release(connection)  # never asked anything, so closed
        opened = await first
        assert not second.done()
        opened.close()
        await second
        assert listener.connections == 3


async def test_a_failure_to_connect_lets_the_next_try(unused_tcp_port: int) -> None:
    async with pool_of(read_address(f"http://{LOOPBACK}:{unused_tcp_port}")) as pool:
        tries = [asyncio.ensure_future(pool.acquire()) for _ in range(5)]
        async with asyncio.timeout(2):
            results = await asyncio.gather(*tries, return_exceptions=True)
        assert [type(result) for result in results] == [UpstreamError] * 5


async def test_who_has_stopped_waiting_stands_in_nobodys_way() -> None:
    async with (
        listening() as listener,
        pool_of(listener.address, limits=Limits(connections=1, wait=0.05)) as pool,
    ):
        connection = await pool.acquire()
        with pytest.raises(UpstreamBusyError):
            await pool.acquire()
        pool.release(connection)
        await listener.closed.acquire()
        await asyncio.sleep(0)
        assert await pool.acquire() is not connection


async def test_a_place_that_comes_too_late_goes_to_the_next() -> None:
    async with listening() as listener, pool_of(listener.address) as pool:
        connection = await pool.acquire()
        first, second = await waiting(pool.acquire, pool.acquire)
        pool.forget(connection)  # wakes the first
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        async with asyncio.timeout(2):
            await second
        connection.close()


async def test_a_cancelled_connection_attempt_frees_its_place() -> None:
    async with listening() as listener, pool_of(listener.address) as pool:
        (first,) = await waiting(pool.acquire)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        async with asyncio.timeout(2):
            await pool.acquire()


async def test_closing_refuses_those_that_wait_and_those_that_come() -> None:
    async with listening() as listener:
        pool = Pool([listener.address], limits=LIMITS)
        await pool.acquire()
        (queued,) = await waiting(pool.acquire)
        await pool.close()
        for ask in (queued, pool.acquire()):
            with pytest.raises(UpstreamError):
                await ask
        async with asyncio.timeout(2):
            await listener.closed.acquire()


async def test_a_connection_that_is_opened_while_the_pool_closes_is_closed_too() -> None:
    async with listening() as listener:
        pool = Pool([listener.address], limits=LIMITS)
        (opening,) = await waiting(pool.acquire)
        await pool.close()
        with pytest.raises(UpstreamError):
            await opening
        async with asyncio.timeout(2):
            await listener.closed.acquire()


async def test_a_handshake_that_does_not_end_is_a_slow_upstream(authority: Authority) -> None:
    async with listening() as listener:
        address = read_address(f"https://{LOOPBACK}:{listener.port}")
        pool = Pool([address], limits=Limits(connect=0.1), tls=authority.trusting())
        with pytest.raises(UpstreamTimeoutError):
            await pool.acquire()
        await pool.close()


async def test_all_addresses_are_tried_even_those_set_aside(unused_tcp_port: int) -> None:
    away = read_address(f"http://{LOOPBACK}:{unused_tcp_port}")
    async with pool_of(away, away) as pool:
        for _ in range(2):
            with pytest.raises(UpstreamError):
                await pool.acquire()
            assert pool.take(surely_alive=True) is None
    async with listening() as listener, pool_of(away, listener.address) as pool:
        for _ in range(3):
            pool.release(await pool.acquire())
            await listener.closed.acquire()
