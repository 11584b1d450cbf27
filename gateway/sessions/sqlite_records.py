"""Adapter: records in SQLite, in memory for one process, or in a file for several on one machine.

Nothing here can read a record: it comes and goes sealed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import aiosqlite

from gateway.errors import Fault, StoreError
from gateway.sessions.keys import RECORDS
from gateway.sessions.summary import Listed

_MEMORY: Final = ":memory:"
_SWEPT_AT_ONCE: Final = 16  # each write adds at most one record, so a few are enough to keep up
_PAGE_LENGTH: Final = 500
_SWITCH_PAUSE: Final = 0.01  # seconds
_PING_KEY: Final = "gateway:ping"
_PING_LIFETIME: Final = 60  # seconds
_LOOK_AGAIN: Final = 0.25  # seconds

_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS records (
        key TEXT NOT NULL PRIMARY KEY,
        record BLOB NOT NULL,
        ends INTEGER NOT NULL,  -- Unix seconds
        summary BLOB,
        indexes TEXT  -- JSON: the names that lead here
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS records_by_end ON records (ends);
    CREATE TABLE IF NOT EXISTS names (
        name TEXT NOT NULL,
        key TEXT NOT NULL,
        PRIMARY KEY (name, key)
    ) WITHOUT ROWID;
    CREATE TRIGGER IF NOT EXISTS record_comes AFTER INSERT ON records BEGIN
        INSERT OR IGNORE INTO names SELECT value, NEW.key FROM json_each(NEW.indexes);
    END;
    CREATE TRIGGER IF NOT EXISTS record_changes AFTER UPDATE OF indexes ON records
    WHEN OLD.indexes IS NOT NEW.indexes BEGIN
        DELETE FROM names WHERE key = OLD.key AND name IN (SELECT value FROM json_each(OLD.indexes));
        INSERT OR IGNORE INTO names SELECT value, NEW.key FROM json_each(NEW.indexes);
    END;
    CREATE TRIGGER IF NOT EXISTS record_goes AFTER DELETE ON records BEGIN
        DELETE FROM names WHERE key = OLD.key AND name IN (SELECT value FROM json_each(OLD.indexes));
    END;
    CREATE TABLE IF NOT EXISTS endings (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL
    );
    CREATE TRIGGER IF NOT EXISTS session_ends AFTER DELETE ON records WHEN OLD.indexes IS NOT NULL BEGIN
        INSERT INTO endings (key) VALUES (OLD.key);
        DELETE FROM endings WHERE number <= last_insert_rowid() - 10000;
    END;
"""
_GET: Final = "SELECT record FROM records WHERE key = ? AND ends > ?"
_PUT: Final = """
    INSERT INTO records (key, record, ends, summary, indexes) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET
        record = excluded.record, ends = excluded.ends, summary = excluded.summary, indexes = excluded.indexes
"""
_REPLACE: Final = """
    UPDATE records SET record = ?, ends = ?, summary = coalesce(?, summary), indexes = coalesce(?, indexes)
    WHERE key = ? AND ends > ? AND (? IS NULL OR substr(record, 1, length(?)) = ?)
"""
_DELETE: Final = "DELETE FROM records WHERE key = ?"
_CLAIM: Final = """
    INSERT INTO records (key, record, ends) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET record = excluded.record, ends = excluded.ends WHERE records.ends <= ?
"""
_FIND: Final = """
    SELECT DISTINCT key, summary FROM names JOIN records USING (key)
    WHERE name IN (SELECT value FROM json_each(?)) AND key > ? AND summary IS NOT NULL AND ends > ?
    ORDER BY key LIMIT ?
"""
_PAGE: Final = (
    "SELECT key, summary FROM records WHERE key > ? AND key GLOB ? AND ends > ? ORDER BY key LIMIT ?"
)
_LAST_ENDING: Final = "SELECT coalesce(max(number), 0) FROM endings"
_ENDINGS: Final = "SELECT number, key FROM endings WHERE number > ? ORDER BY number"
_SWEEP: Final = "DELETE FROM records WHERE key IN (SELECT key FROM records WHERE ends <= ? LIMIT ?)"


class SqliteRecords:
    """A RecordStore in SQLite. Each write is one statement: a cancelled caller leaves nothing half done.

    Made by `open`; ended by `close`, without which its thread keeps the process alive.
    """

    def __init__(self, connection: aiosqlite.Connection, clock: Callable[[], int], *, shared: bool) -> None:
        self._connection = connection
        self._clock = clock
        self._shared = shared

    @classmethod
    async def open(cls, path: Path | None, *, clock: Callable[[], int], limit: float = 2.0) -> Self:
        """Open or create the file, readable by this user alone; None keeps the records in memory.

        Args:
            path: the file; it stands in a directory that exists.
            clock: Unix seconds.
            limit: seconds to wait for another process that writes.

        Raises:
            StoreError: the file cannot be opened, or is no database.
        """
        try:
            database = await asyncio.to_thread(_connect, path, limit)
        except (sqlite3.Error, OSError) as error:
            raise _unreachable(error) from error
        connection = await aiosqlite.Connection(lambda: database, iter_chunk_size=1)
        return cls(connection, clock, shared=path is not None)

    async def get(self, key: str) -> bytes | None:
        """Return the record; None when there is none or its lifetime has passed."""
        rows = await self._read(_GET, (key, self._clock()))
        return bytes(rows[0][0]) if rows else None

    async def put(self, key: str, record: bytes, *, lifetime: int, listed: Listed | None = None) -> None:
        """Write a record, whatever was there, and what is listed of it; both end together."""
        now = self._clock()
        await self._write(_PUT, (key, record, now + lifetime, *_columns(listed)))
        await self._write(_SWEEP, (now, _SWEPT_AT_ONCE))

    async def replace(
        self,
        key: str,
        record: bytes,
        *,
        lifetime: int,
        listed: Listed | None = None,
        over: bytes | None = None,
    ) -> bool:
        """Write a record over one that is still there and begins with `over`; False when none is."""
        now = self._clock()
        values = (record, now + lifetime, *_columns(listed), key, now, over, over, over)
        return await self._write(_REPLACE, values) == 1

    async def delete(self, key: str) -> None:
        """Delete a record, if there is one, and what is listed of it."""
        await self._write(_DELETE, (key,))

    async def claim(self, key: str, *, lifetime: int, record: bytes = b"") -> bool:
        """Take a key: True for one caller, False for every other until the lifetime has passed."""
        now = self._clock()
        claimed = await self._write(_CLAIM, (key, record, now + lifetime, now)) == 1
        await self._write(_SWEEP, (now, _SWEPT_AT_ONCE))
        return claimed

    async def endings(self) -> AsyncGenerator[str | None]:
        """Hear of each record that is deleted from now on, by whichever process; see RecordStore."""
        if not self._shared:
            # Nobody else can delete anything.
            yield None
            await asyncio.Event().wait()
        ((last,),) = await self._read(_LAST_ENDING, ())
        yield None
        while True:
            for number, key in await self._read(_ENDINGS, (last,)):
                if number != last + 1:
                    raise StoreError(Fault.STORE_UNREACHABLE, store="sqlite", cause="too many sessions ended")
                last = number
                yield key
            await asyncio.sleep(_LOOK_AGAIN)

    async def ping(self) -> None:
        """Make sure that the store answers and takes writes."""
        await self._write(_PUT, (_PING_KEY, b"", self._clock() + _PING_LIFETIME, *_columns(None)))

    async def find(self, indexes: Collection[str]) -> AsyncIterator[tuple[str, bytes]]:
        """Go through the key and the sealed summary of each session that one of these names leads to."""
        key, names = "", json.dumps([*indexes])
        while page := await self._read(_FIND, (names, key, self._clock(), _PAGE_LENGTH)):
            for key, summary in page:
                yield key, bytes(summary)

    async def every(self) -> AsyncIterator[tuple[str, bytes | None]]:
        """Go through the key of each session, with its sealed summary if it has one, in no order."""
        key = ""
        while page := await self._read(_PAGE, (key, RECORDS, self._clock(), _PAGE_LENGTH)):
            for key, summary in page:
                yield key, None if summary is None else bytes(summary)

    async def close(self) -> None:
        """Close the file and end the thread."""
        with suppress(sqlite3.Error):
            await self._connection.close()

    async def _read(self, statement: str, values: Iterable[object]) -> list[sqlite3.Row]:
        try:
            return list(await self._connection.execute_fetchall(statement, values))
        except (sqlite3.Error, ValueError) as error:
            raise _unreachable(error) from error

    async def _write(self, statement: str, values: Iterable[object]) -> int:
        try:
            async with self._connection.execute(statement, values) as cursor:
                return cursor.rowcount
        except (sqlite3.Error, ValueError) as error:  # aiosqlite says ValueError for a closed connection
            raise _unreachable(error) from error


def _columns(listed: Listed | None) -> tuple[bytes | None, str | None]:
    return (None, None) if listed is None else (listed.summary, json.dumps(listed.indexes))


def _connect(path: Path | None, limit: float) -> sqlite3.Connection:
    if path is not None:
        _create(path)
    # No implicit transactions: each statement commits by itself. Once open, it belongs to aiosqlite's thread.
    database = sqlite3.connect(path or _MEMORY, timeout=limit, isolation_level=None, check_same_thread=False)
    try:
        _write_ahead(database, deadline=time.monotonic() + limit)
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _create(path: Path) -> None:
    # A file that is there is left alone: closing it would end the locks that this process holds on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _write_ahead(database: sqlite3.Connection, *, deadline: float) -> None:
    """Switch to a write-ahead log: readers and one writer of several processes do not wait for each other.

    A power cut may then lose the last writes, which costs a sign-in, and never the file. SQLite does not
    wait by itself for another process that is switching at the same time.
    """
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_SWITCH_PAUSE)
        else:
            return


def _unreachable(error: Exception) -> StoreError:
    return StoreError(Fault.STORE_UNREACHABLE, store="sqlite", cause=str(error))
