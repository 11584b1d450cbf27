"""Adapter: the log. structlog set up once, one line an event, JSON for machines or short lines for people.

JSON has every fact. The console's lines leave out what only a search needs, and say first what happened.
Lines that other libraries write through `logging` come out in the same form.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TextIO

import structlog
from structlog.processors import TimeStamper
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
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _without_nothing,
    ]
    if form is LogFormat.JSON:
        shared += [TimeStamper(fmt="iso", utc=True, key="time"), _one_line]
        renderer: list[Processor] = [structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=False)]
    else:
        shared += [TimeStamper(fmt="%H:%M:%S", utc=False, key="time"), _one_line]
        renderer = [_short, _for_people(colors=stream.isatty())]
    last = [structlog.processors.format_exc_info, *renderer]
    numeric = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=numeric, force=True)


def _without_nothing(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {name: value for name, value in event.items() if value is not None}


def _one_line(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Escape control characters in texts, so that nothing from outside starts a line or moves a terminal."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in value)
    return event


_FOR_A_SEARCH: Final = frozenset(
    {"audit", "client", "host", "idp_id", "provider", "request_id", "session", "sub"}
)
_REQUEST: Final = "request"
_INFO: Final = "info"
_DIM, _BOLD, _RED, _GREEN, _YELLOW = "2", "1", "31", "32", "33"  # ECMA-48 section 8.3.117
_STATUS_COLORS: Final = {"2": _GREEN, "3": _GREEN, "4": _YELLOW, "5": _RED}
_LEVEL_COLORS: Final = {"warning": _YELLOW, "error": _RED, "critical": _RED}
_USUAL_METHOD: Final = 4  # POST is as long as most


def _short(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Leave out of a request's line and of an audit event what a person does not read."""
    if event["event"] == _REQUEST or event.get("audit"):
        return {name: value for name, value in event.items() if name not in _FOR_A_SEARCH}
    return event


def _for_people(*, colors: bool) -> Processor:
    """Write lines such as `14:03:59 401 GET  /private/ not-signed-in 1.2 ms app=legacy`."""
    paint = _painted if colors else _plain

    def render(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
        exception = event.pop("exception", None)
        time, level, name = event.pop("time"), event.pop("level"), event.pop("event")
        shown = [paint(time, _DIM)]
        if level != _INFO:
            shown.append(paint(level, _LEVEL_COLORS.get(level, _DIM)))
        if name == _REQUEST:
            shown += _request(event, paint)
        else:
            shown.append(paint(name, _BOLD))
        shown += (
            paint(f"{key}=", _DIM) + (value if isinstance(value, str) else repr(value))
            for key, value in event.items()
        )
        return " ".join(shown) + (f"\n{exception}" if exception else "")

    return render


def _request(event: EventDict, paint: Callable[[str, str], str]) -> list[str]:
    """The first words of a request's line; no status means that the browser left before its answer."""
    status, method = str(event.pop("status", "---")), event.pop("method")
    shown = [
        paint(status, _STATUS_COLORS.get(status[0], _DIM)),
        f"{method:<{_USUAL_METHOD}}",
        event.pop("path"),
    ]
    if decision := event.pop("decision", None):
        shown.append(paint(decision, _BOLD))
    return [*shown, paint(f"{event.pop('ms')} ms", _DIM)]


def _painted(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m"


def _plain(text: str, _style: str) -> str:
    return text
