"""The settings of fields: how an application is told who asks, and what becomes of those of its answers."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import Field

from gateway.access.identity import Encoding
from gateway.access.presets import Preset, Template
from gateway.proxy.names import HOP_BY_HOP, folded
from gateway.settings.faults import wrong
from gateway.settings.urls import HttpOrigin, read_host
from gateway.settings.values import Flag, FromText, PathAndQuery, Section, Text

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_VALUE = re.compile(r"[\x21-\x7E](?:[\x20-\x7E]*[\x21-\x7E])?")  # RFC 9110 section 5.5, without obs-text
_BEGINNING = re.compile(r"(?:https?://[^\s/?#]+)?(?:/[!-~]*)?")

FRAMING: Final = frozenset({"content-length", "host", "expect", *HOP_BY_HOP})
"""Names that say where a message ends or whose it is."""

OF_THE_GATEWAY: Final = frozenset(
    {"cookie", "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-prefix"}
    | {"x-forwarded-proto", "x-request-id"}
)
"""Names of a request that the gateway fills itself."""


def _field_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise wrong('must be the name of a field, such as "X-User"')
    if folded(text) in FRAMING:
        raise wrong("belongs to the message itself, and cannot be set")
    return text


def _request_field_name(text: str) -> str:
    name = _field_name(text)
    if folded(name) in OF_THE_GATEWAY:
        raise wrong("is filled by the gateway itself", "take another name")
    return name


def _set_field_name(text: str) -> str:
    name = _field_name(text)
    if name.lower() == "set-cookie":
        raise wrong("is set by the application alone", "take another name")
    return name


def _field_value(text: str) -> str:
    if not _VALUE.fullmatch(text):
        raise wrong("must be one line of printable ASCII, without spaces around it")
    return text


def _template(text: str) -> Template:
    _field_value(text)
    try:
        template = Template(text)
    except ValueError as error:
        raise wrong(str(error), 'write the name of a claim in braces, such as "{given_name}"') from None
    if not template.claims:
        raise wrong("names no claim", "a field that is the same for everybody belongs in request_fields")
    return template


def _separator(text: str) -> str:
    if len(text) != 1 or not text.isascii() or not text.isprintable() or text.isalnum() or text == "%":
        raise wrong('must be one character that separates, such as ","')
    return text


def _beginning(text: str) -> str:
    if not text or not _BEGINNING.fullmatch(text):
        raise wrong('must be the beginning of a URL, such as "http://legacy:8080" or "/old/"')
    return text


def _domain(text: str) -> str:
    return read_host(text.removeprefix("."))


def _new_domain(text: str) -> str:
    return _domain(text) if text else ""


def _cookie_path(text: str) -> str:
    if not re.fullmatch(r"/[!-:<-~]*", text):
        raise wrong('must be a path, such as "/"')
    return text


FieldName = Annotated[str, FromText(_field_name, "a name", pattern=f"^{_NAME.pattern}$")]
RequestFieldName = Annotated[str, FromText(_request_field_name, "a name", pattern=f"^{_NAME.pattern}$")]
SetFieldName = Annotated[str, FromText(_set_field_name, "a name", pattern=f"^{_NAME.pattern}$")]
FieldValue = Annotated[str, FromText(_field_value, "a value")]
FieldTemplate = Annotated[Template, FromText(_template, "a text with claims in braces")]
Separator = Annotated[str, FromText(_separator, "a character")]
UrlBeginning = Annotated[str, FromText(_beginning, "the beginning of a URL", pattern="^.+$")]
Domain = Annotated[str, FromText(_domain, "a domain", pattern="^.+$")]
NewDomain = Annotated[str, FromText(_new_domain, "a domain, or nothing")]
CookiePath = Annotated[str, FromText(_cookie_path, "a path", pattern="^/")]


class Response(Section):
    """What becomes of the fields of an application's answers."""

    rewrite_address: Flag = False
    locations: dict[UrlBeginning, UrlBeginning] = Field(default_factory=dict)
    cookie_domains: dict[Domain, NewDomain] = Field(default_factory=dict)
    cookie_paths: dict[CookiePath, CookiePath] = Field(default_factory=dict)
    security_fields: Flag = False
    remove: tuple[FieldName, ...] = ()
    add: dict[SetFieldName, FieldValue] = Field(default_factory=dict)
    replace: dict[SetFieldName, FieldValue] = Field(default_factory=dict)


def _usual_encoding(before: dict[str, Any]) -> Encoding:
    """What the applications behind the product whose names are used expect."""
    ours = before.get("identity_fields", Preset.PROCONNECT) in {Preset.PROCONNECT, Preset.NONE}
    return Encoding.PERCENT if ours else Encoding.UTF_8


class Told(Section):
    """What an application is told about a request, and what is done to its answers."""

    identity_fields: Preset = Preset.PROCONNECT
    identity_templates: dict[RequestFieldName, FieldTemplate] = Field(default_factory=dict)
    encoding: Encoding = Field(default_factory=_usual_encoding)
    separator: Separator | None = None
    remote_user: Text = "email"
    x_forwarded: Flag = True
    forwarded: Flag = False
    via: Flag = False
    request_fields: dict[RequestFieldName, FieldValue] = Field(default_factory=dict)
    danger_keep_method_override: Flag = False
    websocket_origins: tuple[HttpOrigin, ...] = ()
    sign_out_paths: tuple[PathAndQuery, ...] = ()
    response: Response = Field(default_factory=Response)
