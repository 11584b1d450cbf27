from __future__ import annotations

import io
import json
import logging
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


def test_lines_below_the_level_are_not_written(written: io.StringIO) -> None:
    set_up_log(form=LogFormat.JSON, level="warning", stream=written)
    structlog.get_logger("x").info("request")
    logging.getLogger("y").info("request")
    assert written.getvalue() == ""
