"""The languages of the pages, one for each file in `locales/`, and the texts that explain a Fault."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from gateway.errors import Fault

DEFAULT_LANGUAGE: Final = "fr"

LOCALES: Final[Mapping[str, Mapping[str, Any]]] = {
    path.stem: tomllib.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parent / "locales").glob("*.toml"))
}
"""Each file's sentences by its language, a tag of RFC 5646 in lower case."""

LANGUAGES: Final = (DEFAULT_LANGUAGE, *(code for code in LOCALES if code != DEFAULT_LANGUAGE))
"""The same languages, in the gateway's order of preference."""

# Far more than any browser sends; the rest is not read.
_MOST_CHARACTERS: Final = 1_000
_MOST_RANGES: Final = 30

_RANGE: Final = re.compile(r"\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*", re.ASCII)
_WEIGHT: Final = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


def preferred_language(accept_language: str | None, languages: tuple[str, ...] = LANGUAGES) -> str:
    """The language to answer in (RFC 9110 section 12.5.4, by the lookup of RFC 4647 section 3.4).

    Args:
        accept_language: the field's value as it came; what is not a language range in it is passed over.
        languages: those that there are, in the order of preference.

    Returns:
        One of `languages`: the default when the field is absent or asks for none of them.
    """
    weights = dict(_weighted_ranges((accept_language or "").lower()))
    for wanted in sorted((tag for tag in weights if weights[tag] > 0), key=lambda tag: -weights[tag]):
        leads_to = [code for code in languages if code not in weights] if wanted == "*" else _lookup(wanted)
        found = next((code for code in leads_to if code in languages and weights.get(code) != 0), None)
        if found is not None:
            return found
    return DEFAULT_LANGUAGE


def _weighted_ranges(accept_language: str) -> Iterable[tuple[str, float]]:
    for element in accept_language[:_MOST_CHARACTERS].split(",")[:_MOST_RANGES]:
        tag, _, parameter = (part.strip(" \t") for part in element.partition(";"))
        weight = _WEIGHT.fullmatch(parameter or "q=1")
        if _RANGE.fullmatch(tag) and weight:
            yield tag, float(weight[1])


def _lookup(wanted: str) -> list[str]:
    """The tags that a range leads to when its subtags fall away from the end."""
    subtags = wanted.split("-")
    return ["-".join(subtags[:count]) for count in range(len(subtags), 0, -1)]


# Faults that a person need not tell apart share one text, `error.NAME` in each locale. First match decides.
_ERROR_TEXTS: Final = (
    ("form-too-large", "form-too-large"),
    ("request-", "request"),
    ("target-", "request"),
    ("host-", "host"),
    ("not-found", "not-found"),
    ("method-", "method"),
    ("cross-site", "cross-site"),
    ("proxy-not-trusted", "not-found"),
    ("field-forged", "request"),
    ("state-late", "attempt-late"),
    ("state", "attempt"),
    ("sign-in-loop", "sign-in-loop"),
    ("logout-", "request"),
    ("response-malformed", "attempt"),
    ("response-iss", "unverified"),
    ("provider-refused", "provider-refused"),
    ("acr-", "provider-refused"),
    ("idp-", "provider-error"),
    ("provider-error", "provider-error"),
    ("provider-technical", "provider-technical"),
    ("provider-aborted", "provider-aborted"),
    ("provider-account", "provider-account"),
    ("provider-domain", "provider-domain"),
    ("provider-nobody", "provider-nobody"),
    ("provider-busy", "provider-busy"),
    ("provider-scope", "provider-scope"),
    ("provider-request", "provider-request"),
    ("provider-", "provider-away"),
    ("metadata-", "provider-away"),
    ("key", "unverified"),
    ("pushed-", "provider-error"),
    ("token-", "unverified"),
    ("id-token-exp", "clock"),
    ("id-token-iat", "clock"),
    ("id-token-nbf", "clock"),
    ("id-token-", "unverified"),
    ("refresh-", "unverified"),
    ("userinfo-", "unverified"),
    ("upstream-unreachable", "upstream-away"),
    ("upstream-tls", "upstream-away"),
    ("upstream-busy", "upstream-busy"),
    ("upstream-slow", "upstream-slow"),
    ("upstream-", "upstream-malformed"),
    ("store-", "store"),
    ("unexpected", "unexpected"),
)


def error_text(fault: Fault) -> str:
    """The name of the text that explains a Fault to a person; a Fault that has none is `unexpected`."""
    return next((text for start, text in _ERROR_TEXTS if fault.startswith(start)), "unexpected")
