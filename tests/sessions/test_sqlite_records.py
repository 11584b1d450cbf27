from __future__ import annotations

import asyncio
import sqlite3
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Fault, StoreError
from gateway.sessions.sqlite_records import SqliteRecords

NOW = 1_000_000

WORKER = """
import asyncio, sys
from pathlib import Path
from gateway.sessions.sqlite_records import SqliteRecords

async def main(path, name):
    records = await SqliteRecords.open(Path(path), clock=lambda: 1_000_000, limit=30.0)
    claimed = 0
    for n in range(100):
        await records.put(f"{name}:{n}", name.encode(), lifetime=600)
        claimed += await records.claim(f"claim:{n}", lifetime=600)
    kept = [await records.get(f"{name}:{n}") == name.encode() for n in range(100)]
    await records.close()
    print(claimed, all(kept))

asyncio.run(main(*sys.argv[1:]))
"""


async def opened(path: Path | None, now: int = NOW) -> SqliteRecords:
    return await SqliteRecords.open(path, clock=lambda: now, limit=0.05)


async def test_several_processes_share_a_file_from_its_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, str(path), name, stdout=asyncio.subprocess.PIPE
        )
        for name in ("one", "two", "three", "four")
    ]
    outputs = [(await worker.communicate())[0].split() for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    assert [kept for _, kept in outputs] == [b"True"] * 4
    assert sum(int(claimed) for claimed, _ in outputs) == 100


async def test_the_file_keeps_its_records_when_the_gateway_is_restarted(tmp_path: Path) -> None:
    first = await opened(tmp_path / "sessions.db")
    await first.put("key", b"record", lifetime=600)
    await first.close()
    second = await opened(tmp_path / "sessions.db")

    assert await second.get("key") == b"record"
    await second.close()


async def test_nobody_else_on_the_machine_may_read_the_file(tmp_path: Path) -> None:
    records = await opened(tmp_path / "sessions.db")
    await records.put("key", b"record", lifetime=600)
    modes = _modes(tmp_path)
    await records.close()

    assert set(modes.values()) == {0o600}
    assert "sessions.db" in modes


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_records_in_memory_are_nobody_elses() -> None:
    one, other = await opened(None), await opened(None)
    await one.put("key", b"record", lifetime=600)

    assert await other.get("key") is None
    await one.close()
    await other.close()


@pytest.mark.parametrize("claimed", [False, True])
async def test_writes_sweep_out_more_ended_records_than_they_add(tmp_path: Path, *, claimed: bool) -> None:
    path = tmp_path / "sessions.db"
    early = await opened(path)
    for n in range(100):
        await early.put(f"early:{n}", b"", lifetime=60)
    await early.close()
    late = await opened(path, now=NOW + 60)
    for n in range(10):
        await (late.claim(f"late:{n}", lifetime=60) if claimed else late.put(f"late:{n}", b"", lifetime=60))
    await late.close()
    with sqlite3.connect(path) as connection:
        keys = {key for (key,) in connection.execute("SELECT key FROM records")}
    connection.close()

    assert keys == {f"late:{n}" for n in range(10)}


def _no_folder(tmp_path: Path) -> Path:
    return tmp_path / "absent" / "sessions.db"


def _a_folder(tmp_path: Path) -> Path:
    return tmp_path


def _no_database(tmp_path: Path) -> Path:
    path = tmp_path / "sessions.db"
    path.write_bytes(b"this is a text file, and a long one at that\n" * 200)
    return path


@pytest.mark.parametrize("made", [_no_folder, _a_folder, _no_database])
async def test_a_file_that_cannot_be_used_says_so(tmp_path: Path, made: Any) -> None:
    with pytest.raises(StoreError) as failed:
        await opened(made(tmp_path))

    assert failed.value.fault is Fault.STORE_UNREACHABLE
    assert failed.value.facts["cause"]


async def test_a_file_that_another_program_holds_from_the_start_says_so(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE held (a)")
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(StoreError, match="locked"):
        await opened(path)

    other.close()
    await (await opened(path)).close()


CALLS = [
    lambda records: records.get("key"),
    lambda records: records.put("key", b"record", lifetime=600),
    lambda records: records.replace("key", b"record", lifetime=600),
    lambda records: records.delete("key"),
    lambda records: records.claim("key", lifetime=600),
    lambda records: records.ping(),
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_store_that_was_closed_does_not_answer(call: Any) -> None:
    records = await opened(None)
    await records.close()
    await records.close()

    with pytest.raises(StoreError):
        await call(records)


@pytest.mark.parametrize("call", CALLS)
async def test_a_file_that_was_ruined_does_not_answer(tmp_path: Path, call: Any) -> None:
    path = tmp_path / "sessions.db"
    records = await opened(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE records")
    connection.close()

    with pytest.raises(StoreError) as failed:
        await call(records)

    assert "record " not in str(failed.value)
    await records.close()


async def test_a_writer_that_does_not_end_keeps_others_from_writing_and_not_from_reading(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sessions.db"
    records = await opened(path)
    await records.put("key", b"record", lifetime=600)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError):
        await records.put("key", b"other", lifetime=600)
    with pytest.raises(StoreError):
        await records.ping()
    assert await records.get("key") == b"record"

    other.execute("ROLLBACK")
    other.close()
    await records.ping()
    await records.close()
