"""Languages that an administrator adds, or changes: sentences laid over those that are there.

A sentence that is missing is the default language's. What cannot be a sentence of the pages is a problem,
said with its place in the file and what to do.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from string import Formatter
from typing import Any, Final, TypeAlias

from gateway.web.languages import DEFAULT_LANGUAGE, LOCALES

Locales: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The sentences of each language, by their section and name."""

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
_LONGEST: Final = 1_000


def read_locales(texts: Mapping[str, str]) -> tuple[Locales, list[tuple[str, str]]]:
    """Lay languages over those that there are.

    Args:
        texts: TOML by its language.

    Returns:
        All languages, each complete; and what is wrong, as problems with their remedies.
    """
    locales, problems = dict(LOCALES), list[tuple[str, str]]()
    for language, text in texts.items():
        if not _LANGUAGE.fullmatch(language):
            problems.append((f"{language}.toml is named after no language", 'name it such as "de.toml"'))
            continue
        try:
            given = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            problems.append((f"{language}.toml is not TOML: {error}", ""))
            continue
        beneath = LOCALES.get(language, LOCALES[DEFAULT_LANGUAGE])
        problems += _problems(given, LOCALES[DEFAULT_LANGUAGE], f"{language}.toml: ")
        locales[language] = _laid_over(given, beneath)
    return locales, problems


def _laid_over(given: Mapping[str, Any], beneath: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _laid_over(given.get(name, {}), below) if isinstance(below, Mapping) else given.get(name, below)
        for name, below in beneath.items()
        if isinstance(given.get(name, {}), Mapping) or not isinstance(below, Mapping)
    }


def _problems(given: Mapping[str, Any], model: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        here = place + name
        known = model.get(name)
        if known is None:
            near = get_close_matches(name, model, n=1)
            yield f"{here} is no sentence of the pages", f'did you mean "{near[0]}"?' if near else "remove it"
        elif isinstance(known, Mapping):
            if isinstance(value, Mapping):
                yield from _problems(value, known, f"{here}.")
            else:
                yield f"{here} must be a table", ""
        elif not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
            yield f"{here} must be text, not empty, at most {_LONGEST} characters", ""
        elif (
            unknown := _places(value)
            - _places(known)
            - ({"service", "provider"} if name != "named_service" else set())
        ):
            allowed = "only {name}" if name == "named_service" else "{service} and {provider}"
            yield f"{here} asks for {{{min(unknown)}}}", f"it may ask for {allowed}"


def _places(sentence: str) -> set[str]:
    """What stands in braces; a brace that is not closed is one too."""
    try:
        return {
            name + (f":{form}" if form else "") + (f"!{conversion}" if conversion else "")
            for _, name, form, conversion in Formatter().parse(sentence)
            if name is not None
        }
    except ValueError:
        return {sentence[:20]}
