"""Exchanges that go wrong between exchanges that must not: nobody ever gets another's octets."""

from __future__ import annotations

import asyncio
import random
import re

from tests.proxy.conftest import Front, Running
from tests.proxy.heads import HeadsUpstream, LongConnection

ROUNDS = 1000
AT_ONCE = 24
CONNECTIONS = 6


GOOD = {b"sized", b"chunked", b"early", b"refuse", b"slow", b"long"}
BAD = {b"cut", b"reset", b"more", b"malformed"}


def answer_of(rounds: random.Random) -> bytes:
    """How the upstream behaves towards one request; the request says it, so that both sides know."""
    return rounds.choice(sorted(GOOD | BAD))


async def behave(connection: LongConnection, head: bytes) -> None:
    """Answers with the token that the request holds, or goes wrong as the request says."""
    _, behaviour, token = head.split(b" ", 2)[1].split(b"/")
    length = re.search(rb"Content-Length: (\d+)", head)
    if behaviour != b"early" and length:
        await connection.skip(int(length[1]))
    sized = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(token), token)
    pieces = {
        b"chunked": [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"%x\r\n%b\r\n0\r\n\r\n" % (len(token), token),
        ],
        b"cut": [sized[:-1]],
        b"long": [
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (9 * len(token), token),
            *[token] * 8,
        ],
        b"malformed": [b"HTTP/1.1 200 OK\rX: y\r\n\r\n" + sized],
        b"more": [sized + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"],
        b"refuse": [sized.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)],
        b"slow": [sized[:20], sized[20:]],
    }.get(behaviour, [sized])
    if behaviour == b"reset":
        connection.reset()
        return
    for piece in pieces:
        await connection.send(piece)
        await asyncio.sleep(0.001)
    if behaviour in {b"cut", b"refuse"}:
        await connection.close()
    if behaviour == b"early" and length:
        await connection.skip(int(length[1]))


async def visit(front: Front, number: int, rounds: random.Random) -> None:
    """One browser: asks once or twice, uploads or not, stays or leaves; checks whatever it gets."""
    async with await front.connect() as browser:
        for turn in range(2):
            behaviour, token = answer_of(rounds), b"%d-%d-%d" % (number, turn, rounds.randrange(10**9))
            upload = rounds.choice([0, 0, 10, 100_000])
            method = rounds.choice([b"GET", b"PUT", b"POST"]) if upload == 0 else b"POST"
            head = b"%b /%b/%b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
            await browser.send(head % (method, behaviour, token, upload))
            leaves = rounds.random()
            if leaves < 0.1:
                browser.reset()
                return
            # Who is answered early has not sent everything yet, and never will.
            half = leaves < 0.2 or behaviour == b"early"
            await browser.send(b"x" * (upload // 2 if half else upload))
            if leaves < 0.2:
                return
            if behaviour == b"long" and leaves < 0.6:
                await browser.read_until(b"\r\n\r\n")
                browser.reset()
                return
            try:
                answer = await browser.read_message()
            except (EOFError, ConnectionError):
                return  # cut, which every browser notices
            head, _, body = answer.partition(b"\r\n\r\n")
            assert b"poison" not in answer
            assert behaviour not in GOOD or head.startswith(b"HTTP/1.1 200 "), (behaviour, answer)
            if head.startswith(b"HTTP/1.1 200 "):
                assert token.startswith(body) if behaviour == b"cut" else token in body, (behaviour, answer)
            if b"Connection: close" in head or behaviour == b"cut":
                return


async def test_a_thousand_exchanges_that_go_wrong_poison_no_other(running: Running) -> None:
    rounds = random.Random(1)  # noqa: S311 - the same rounds each time

    async def answer(connection: LongConnection) -> None:
        await behave(connection, connection.head)

    async with HeadsUpstream(*[answer] * (ROUNDS * 3)) as upstream:
        front = await running(upstream.url, connections=CONNECTIONS, waiting=1000)
        visits: set[asyncio.Task[None]] = set()
        for number in range(ROUNDS):
            visits.add(asyncio.create_task(visit(front, number, rounds)))
            if len(visits) >= AT_ONCE:
                done, visits = await asyncio.wait(visits, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        await asyncio.gather(*visits)
        assert await front.ask(b"GET /sized/last HTTP/1.1\r\nHost: a\r\n\r\n") == (
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast"
        )
    assert len(upstream.heads) > ROUNDS
