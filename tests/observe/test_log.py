from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from gateway.observe.log import LogFormat, set_up_log


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_one_json_object(written: io.StringIO) -> None:
    set_up_log(form=LogFormat.JSON, level="info", stream=written)
    structlog.get_logger("x").info("request", path="/a", status=200)
    line = json.loads(written.getvalue())
    assert (line["event"], line["path"], line["status"], line["level"]) == ("request", "/a", 200, "info")
    assert line["time"].endswith("Z")


@pytest.mark.parametrize("form", list(LogFormat))
def test_nothing_from_outside_starts_a_line_or_moves_a_terminal(
    form: LogFormat, written: io.StringIO
) -> None:
    set_up_log(form=form, level="info", stream=written)
    structlog.get_logger("x").info("request", path="/a\r\n\x1b[2Jforged\u2028", name="Éléonore")
    assert written.getvalue().count("\n") == 1
    assert "\x1b" not in written.getvalue()
    assert "\u2028" not in written.getvalue()
    assert "Éléonore" in written.getvalue()


def test_lines_of_other_libraries_come_out_alike(written: io.StringIO) -> None:
    set_up_log(form=LogFormat.JSON, level="info", stream=written)
    logging.getLogger("aiohttp.server").error("it broke: %s", "here\n")
    line = json.loads(written.getvalue())
    assert (line["event"], line["level"]) == ("it broke: here\\n", "error")


def test_json_has_each_fact_as_it_is_and_the_exception_whole(written: io.StringIO) -> None:
    set_up_log(form=LogFormat.JSON, level="info", stream=written)
    facts = {"name": 'Éléonore "x"', "ms": 1.25, "count": 3, "yes": True, "facts": {"a": ["é"]}, "path": "/"}
    try:
        raise ValueError("here")
    except ValueError as error:
        structlog.get_logger("x").error("unexpected", **facts, exc_info=error)
    text = written.getvalue()
    line = json.loads(text)
    assert text.count("\n") == 1
    assert list(line) == [*facts, "event", "level", "time", "exception"]
    assert {name: line[name] for name in facts} == facts
    assert line["exception"].splitlines()[-1] == "ValueError: here"
    assert "exc_info" not in line


def test_lines_below_the_level_are_not_written(written: io.StringIO) -> None:
    set_up_log(form=LogFormat.JSON, level="warning", stream=written)
    structlog.get_logger("x").info("request")
    logging.getLogger("y").info("request")
    assert written.getvalue() == ""


REQUEST = {
    "request_id": "a-1",
    "client": "127.0.0.1",
    "method": "GET",
    "host": "localhost",
    "path": "/private/",
    "status": 401,
    "decision": "not-signed-in",
    "app": "legacy",
    "session": None,
    "ms": 1.2,
}


@pytest.mark.parametrize("form", list(LogFormat))
def test_what_is_not_known_is_left_out(form: LogFormat, written: io.StringIO) -> None:
    set_up_log(form=form, level="info", stream=written)
    structlog.get_logger("x").info("request", **REQUEST)
    assert "session" not in written.getvalue()


def test_a_line_for_people_says_first_what_happened(written: io.StringIO) -> None:
    set_up_log(form=LogFormat.CONSOLE, level="info", stream=written)
    structlog.get_logger("x").info("request", **REQUEST)
    time, line = written.getvalue().split(" ", 1)
    assert re.fullmatch(r"\d\d:\d\d:\d\d", time)
    assert line == "401 GET  /private/ not-signed-in 1.2 ms app=legacy\n"


def test_an_event_for_people_names_the_person_and_not_the_identifiers(written: io.StringIO) -> None:
    set_up_log(form=LogFormat.CONSOLE, level="info", stream=written)
    structlog.get_logger("audit").info("sign-in", audit=True, sub="3f1a", email="a@x.example", app="legacy")
    assert written.getvalue().split(" ", 1)[1] == "sign-in email=a@x.example app=legacy\n"


def test_a_warning_for_people_says_so_and_keeps_its_reference(written: io.StringIO) -> None:
    set_up_log(form=LogFormat.CONSOLE, level="info", stream=written)
    structlog.get_logger("x").warning("error", request_id="a-1", fault="upstream-slow", facts={"after": "5"})
    line = written.getvalue().split(" ", 1)[1]
    assert line == "warning error request_id=a-1 fault=upstream-slow facts={'after': '5'}\n"


def test_no_line_of_an_exception_looks_like_one_of_the_log(written: io.StringIO) -> None:
    set_up_log(form=LogFormat.CONSOLE, level="info", stream=written)
    try:
        raise ValueError("it broke\n14:00:00 sign-in email=forged\x1b[2J")
    except ValueError:
        structlog.get_logger("x").exception("unexpected")
    first, *rest = written.getvalue().splitlines()
    assert first.endswith("error unexpected")
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in written.getvalue()


def test_a_terminal_gets_colors(written: io.StringIO) -> None:
    written.isatty = lambda: True  # type: ignore[method-assign]
    set_up_log(form=LogFormat.CONSOLE, level="info", stream=written)
    structlog.get_logger("x").info("request", **REQUEST)
    assert "\x1b[33m401\x1b[0m" in written.getvalue()
