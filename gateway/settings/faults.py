"""What is wrong with the settings, said so that an administrator can mend it; never with a secret's value.

Pydantic's errors become faults here, and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.settings.shape import Shape

Place: TypeAlias = tuple[str | int, ...]
"""Where a value stands, such as `("apps", 0, "routes", 2, "path")`."""

_PROBLEMS = {
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "int_type": "must be a whole number",
    "model_type": "must be a table",
    "path_type": "must be text",
    "string_type": "must be text",
    "tuple_type": "must be a list",
}
"""Pydantic's types of errors in the administrator's words."""

_LONGEST_SHOWN = 80
_USERINFO = re.compile(r"//.*@")  # RFC 3986 section 3.2.1: may hold a password


@dataclass(frozen=True, slots=True)
class SettingFault:
    """One thing that is wrong.

    Args:
        path: the setting, such as `apps[0].host`; or the variable or file that cannot be read as settings.
        problem: what is wrong, and what stands there.
        remedy: what to do, or nothing where the problem says it.
    """

    path: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" + (f"; {self.remedy}" if self.remedy else "")


class SettingsError(Exception):
    """The settings cannot be used; every fault that was found, one a line."""

    def __init__(self, faults: tuple[SettingFault, ...]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


WAITS = PydanticCustomError("waits", "waits for another setting")
"""What a validator raises when another setting, at fault itself, keeps it from judging. It is not shown."""


def wrong(problem: str, remedy: str = "", *, got: str | None = None) -> PydanticCustomError:
    """The error that a value's validator raises.

    Args:
        problem: what the value must be.
        remedy: what to do.
        got: what to show of the value; by default the value itself, unless it is a secret's.
    """
    return PydanticCustomError("setting", "{problem}", {"problem": problem, "remedy": remedy, "got": got})


def wrong_each(problems: Sequence[tuple[str, str]]) -> PydanticCustomError:
    """The error of a value with which several things are wrong: a fault for each problem and its remedy."""
    return PydanticCustomError("settings", "several faults", {"problems": list(problems)})


def dotted(place: Place) -> str:
    """A place as the administrator reads it: `apps[0].host`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """A suggestion of the nearest known word, or nothing."""
    near = get_close_matches(word, known, n=1)
    return f'did you mean "{near[0]}"?' if near else ""


def model_faults(
    error: ValidationError, shape: Shape, sources: Mapping[Place, str]
) -> Iterator[SettingFault]:
    """Pydantic's errors as faults.

    Args:
        error: what validating the whole document raised.
        shape: the shape of the whole document.
        sources: the environment variable that gave the value at a place.
    """
    for found in error.errors(include_url=False):
        if found["type"] in {"waits", "default_factory_not_called"}:
            continue
        place = tuple(part for part in found["loc"] if part != "[key]")
        source = next((sources[place[:n]] for n in range(len(place), 0, -1) if place[:n] in sources), None)
        each = found["ctx"]["problems"] if found["type"] == "settings" else [_in_words(found, place, shape)]
        for problem, remedy in each:
            yield SettingFault(dotted(place), problem + (f" (from {source})" if source else ""), remedy)


def _in_words(found: ErrorDetails, place: Place, shape: Shape) -> tuple[str, str]:
    """One error as problem and remedy."""
    here = shape.at(place)
    hidden = here is None or here.kind == "table" or here.secret
    got = "" if hidden else f", got {_shown(found['input'])}"
    context = found.get("ctx", {})
    match found["type"]:
        case "setting":
            own = f", got {context['got']}" if context["got"] else ""
            return context["problem"] + (got if context["got"] is None else own), context["remedy"]
        case "missing":
            return "required", _addition(str(place[-1]), here)
        case "extra_forbidden":
            return "unknown setting", _where_it_belongs(str(place[-1]), shape.at(place[:-1]), shape)
        case "literal_error" | "enum":
            choices = ", ".join(f'"{choice}"' for choice in (here.choices if here else ()))
            return f"must be one of {choices}{got}", ""
        case other if other in _PROBLEMS:
            return _PROBLEMS[other].format(**context) + got, ""
        case _:
            return found["msg"] + got, ""


def _addition(name: str, shape: Shape | None) -> str:
    if shape is None:
        return ""
    if shape.kind == "list" and shape.example is None:
        return f"add [[{name}]]"
    return f"add {name} = {json.dumps(shape.example)}"


def _where_it_belongs(name: str, table: Shape | None, root: Shape) -> str:
    suggestion = did_you_mean(name, table.names if table else ())
    if suggestion:
        return suggestion
    for section in root.names:
        for place, title in (((section,), f"[{section}]"), ((section, 0), f"[[{section}]]")):
            other = root.at(place)
            if other is not None and name in other.names:
                return f"it belongs to {title}"
    return "remove it"


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever stands in the document
    match value:
        case dict():
            return "a table"
        case list() if not all(isinstance(element, str) for element in value):
            return "a list"
        case str() | bool() | int() | float() | list():
            text = _USERINFO.sub("//***@", json.dumps(value, ensure_ascii=False))
            return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
        case _:
            return str(value)
