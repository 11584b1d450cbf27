"""The demo's provider as a process: reads one registration, writes its issuer, serves until SIGTERM."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

from gateway.demo.provider import Provider, Registration, serve


async def main() -> None:
    """Serve one client."""
    given = json.loads(sys.stdin.readline())
    client = Registration(**{**given, "redirect_uris": tuple(given["redirect_uris"])})
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with serve(Provider([client])) as provider:
        sys.stdout.write(json.dumps({"issuer": provider.issuer}) + "\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
