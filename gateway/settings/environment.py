"""Settings from environment variables, laid over those of the file.

`GATEWAY_PROVIDER__CLIENT_ID` is `provider.client_id`; a list is JSON or separated by commas, a table is JSON,
and `GATEWAY_APPS__0__HOST` is one setting of the first app.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from gateway.settings.faults import Place, SettingFault, did_you_mean, dotted
from gateway.settings.shape import Shape

PREFIX = "GATEWAY_"
FILE_VARIABLE = "GATEWAY_CONFIG"
"""The one variable that is no setting: where the file is."""

# What container platforms set for a service whose name begins with "gateway" (Kubernetes service variables,
# Docker links), and CGI's version (RFC 3875 section 4.1.4). None of them holds two underscores in a row.
_NOT_OURS = re.compile(
    r"GATEWAY_(?:[A-Z0-9]+_)*"
    r"(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9]+)*)|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
    r"|GATEWAY_INTERFACE"
)


def lay_over(
    document: dict[str, Any], environ: Mapping[str, str], shape: Shape
) -> tuple[dict[Place, str], list[SettingFault]]:
    """Put what the environment sets into the document, in place.

    Returns:
        The variable behind each place that was set, and what is wrong with the variables themselves.
    """
    sources: dict[Place, str] = {}
    faults: list[SettingFault] = []
    for name in sorted(filter(_ours, environ), key=_by_number):
        place = _place(name)
        there = shape.at(place)
        if there is None:
            faults.append(
                SettingFault(name, "unknown setting", did_you_mean(name, _variables(shape)) or "remove it")
            )
            continue
        try:
            value = _value(environ[name], there)
            _put(document, place, value, shape, sources)
        except ValueError as error:
            faults.append(SettingFault(dotted(place), f"{error} (from {name})"))
        sources[place] = name
    return sources, faults


def _ours(name: str) -> bool:
    return name.startswith(PREFIX) and name != FILE_VARIABLE and not _NOT_OURS.fullmatch(name)


def _by_number(name: str) -> str:
    """So that the tenth element comes after the second."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(9), name)


def _place(name: str) -> Place:
    parts = name.removeprefix(PREFIX).lower().split("__")
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def _variables(shape: Shape, prefix: str = PREFIX) -> tuple[str, ...]:
    """Every variable that stands for a setting, with 0 for the elements of lists of tables."""
    names: list[str] = []
    for name in shape.names:
        variable = prefix + name.upper()
        below = shape.at((name,)) or shape
        names.append(variable)
        for inner, part in ((below, ""), (below.at((0,)), "0__")):
            if inner is not None and inner.names:
                names += _variables(inner, f"{variable}__{part}")
    return tuple(names)


def _value(text: str, shape: Shape) -> object:
    match shape.kind:
        case "text":
            return text
        case "list" if not text.lstrip().startswith("["):
            return [element.strip() for element in text.split(",") if element.strip()]
        case "list" | "table":
            try:
                return json.loads(text)
            except ValueError as error:
                raise ValueError(f"must be JSON: {error}") from None
        case "other":
            return {"true": True, "false": False}.get(text, int(text) if text.isdecimal() else text)


def _put(
    document: dict[str, Any], place: Place, value: object, shape: Shape, sources: Mapping[Place, str]
) -> None:
    node: Any = document
    for depth, part in enumerate(place[:-1], start=1):
        below = shape.at(place[:depth])
        node = _enter(node, part, [] if below and below.kind == "list" else {})
    match node, place[-1]:
        case dict(), str(name):
            # A secret and its file are one setting: the environment's spelling replaces the file's.
            twin = name.removesuffix("_file") if name.endswith("_file") else f"{name}_file"
            if (*place[:-1], twin) not in sources:
                node.pop(twin, None)
            node[name] = value
        case list(), int(index):
            _enter(node, index, value)
            node[index] = value
        case _:
            pass  # the file has another kind of value on the way, which is a fault of its own


def _enter(node: object, part: str | int, empty: object) -> object:
    """What stands in `node` at `part`, made `empty` where nothing does; None when `node` is no container."""
    match node, part:
        case dict(), str():
            return node.setdefault(part, empty)
        case list(), int() if part > len(node):
            raise ValueError(f"skips a number, there are {len(node)} before it")
        case list(), int():
            node[part:] = node[part:] or [empty]
            return node[part]
        case _:
            return None
