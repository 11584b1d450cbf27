"""Adapter: the log. structlog set up once, one line an event, JSON for machines or short lines for people.

JSON has every fact. The console's lines leave out what only a search needs, and say first what happened.
Lines that other libraries write through `logging` come out in the same form.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum
from json.encoder import encode_basestring as _quoted
from typing import Final, TextIO

import structlog
from structlog.processors import TimeStamper, format_exc_info
from structlog.typing import EventDict, Processor, WrappedLogger


class LogFormat(StrEnum):
    """How lines are written."""

    JSON = "json"
    CONSOLE = "console"


def set_up_log(*, form: LogFormat, level: str, stream: TextIO = sys.stdout) -> None:
    """Send every log line of this process to `stream`.

    Args:
        form: JSON or console.
        level: the lowest level that is written: debug, info, warning or error.
        stream: where to.
    """
    if form is LogFormat.JSON:
        before: list[Processor] = []
        last: list[Processor] = [_json]
    else:
        before = [
            structlog.processors.add_log_level,
            _without_nothing,
            TimeStamper(fmt="%H:%M:%S", utc=False, key="time"),
            _one_line,
            _short,
        ]
        last = [structlog.processors.format_exc_info, _for_people(colors=stream.isatty())]
    numeric = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*before, *last],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=numeric, force=True)


def _json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """Write a line as one JSON object, its facts in the order in which they were given.

    There is one for each request, and structlog's own processors, one after the other, take twice as long.
    """
    exception = format_exc_info(logger, method, event).pop("exception", None) if "exc_info" in event else None
    event["level"] = _LEVELS.get(method, method)
    event["time"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    pairs = [f"{_quoted(name)}: {_value(value)}" for name, value in event.items() if value is not None]
    if exception is not None:
        pairs.append(f'"exception": {_quoted(exception)}')
    return f"{{{', '.join(pairs)}}}"


def _value(value: object) -> str:
    if type(value) is str:
        return _quoted(value if value.isprintable() else _escaped(value))
    if type(value) is int:
        return str(value)
    return _ANY_OTHER.encode(_escaped(value) if isinstance(value, str) else value)


_LEVELS: Final = {"exception": "error", "warn": "warning"}  # methods that are not called as their level
_ANY_OTHER: Final = json.JSONEncoder(ensure_ascii=False, default=repr)


def _without_nothing(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {name: value for name, value in event.items() if value is not None}


def _one_line(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Escape control characters in texts, so that nothing from outside starts a line or moves a terminal."""
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _escaped(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


_REQUEST: Final = "request"
_INFO: Final = "info"
_FOR_A_SEARCH: Final = frozenset(
    {"audit", "client", "host", "idp_id", "provider", "request_id", "session", "sub"}
)
_DIM, _BOLD, _RED, _GREEN, _YELLOW = "2", "1", "31", "32", "33"  # ECMA-48 section 8.3.117
_LEVEL_STYLES: Final = {"warning": _YELLOW, "error": _RED, "critical": _RED}
_STATUS_STYLES: Final = {"2": _GREEN, "3": _GREEN, "4": _YELLOW, "5": _RED}
_USUAL_METHOD: Final = 4  # characters; POST is as long as most


def _short(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Leave out of a request's line and of an audit event what a person does not read."""
    if event["event"] == _REQUEST or "audit" in event:
        return {name: value for name, value in event.items() if name not in _FOR_A_SEARCH}
    return event


def _for_people(*, colors: bool) -> Processor:
    """Write lines such as `14:03:59 401 GET  /private/ not-signed-in 1.2 ms app=legacy`."""
    paint = _painted if colors else _plain

    def render(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
        exception = event.pop("exception", "")
        words = [paint(event.pop("time"), _DIM)]
        level, name = event.pop("level"), event.pop("event")
        if level != _INFO:
            words.append(paint(level, _LEVEL_STYLES.get(level, _DIM)))
        if name != _REQUEST:
            words.append(paint(name, _BOLD))
        if "status" in event:
            status = str(event.pop("status"))
            words.append(paint(status, _STATUS_STYLES.get(status[0], _DIM)))
        if "method" in event:
            words.append(f"{event.pop('method'):<{_USUAL_METHOD}}")
        if "path" in event:
            words.append(event.pop("path"))
        if "decision" in event:
            words.append(paint(event.pop("decision"), _BOLD))
        if "ms" in event:
            words.append(paint(f"{event.pop('ms')} ms", _DIM))
        words += (paint(f"{key}=", _DIM) + str(value) for key, value in event.items())
        # Indented: a line of an exception's text is never taken for one of the log.
        return "\n    ".join([" ".join(words), *map(_escaped, exception.splitlines())])

    return render


def _painted(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m"


def _plain(text: str, _style: str) -> str:
    return text
