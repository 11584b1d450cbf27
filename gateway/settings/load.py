"""TOML file, environment and secret files to Settings, or every fault at once. Only here are they read.

The files that only the pages need are read by the types in `settings.page`.
"""

from __future__ import annotations

import json
import ssl
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from gateway.settings.combinations import combination_faults
from gateway.settings.environment import FILE_VARIABLE, lay_over
from gateway.settings.faults import Place, SettingFault, SettingsError, dotted, model_faults
from gateway.settings.model import DEFAULT_PROVIDER, Settings, settings_json_schema
from gateway.settings.provider import Provider
from gateway.settings.shape import Shape

_STAND_IN = "0" * 64
"""Where a client secret would be that cannot be read; nobody is told it."""

_MAY_READ: Final = "check the path, and that the gateway's user may read it"
_TOML: Final = 'look there and a line before: texts stand in "double quotes", and each [section] only once'


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings. What the environment sets goes before what the file sets.

    Args:
        path: the TOML file; None for the one that GATEWAY_CONFIG names, or none at all.
        environ: the environment variables.

    Raises:
        SettingsError: they cannot be used; it holds every fault.
    """
    shape = _shape()
    document, unreadable = _read_document(path or _path_of(environ))
    sources, faults = lay_over(document, environ, shape)
    if unreadable:
        raise SettingsError((*unreadable, *faults))
    faults += _read_files(document, shape)
    # A value that could not be read is not missing as well.
    told = {fault.path.removesuffix("_file") for fault in faults}
    found = list(combination_faults(document))
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        found = [*model_faults(error, shape, sources), *found]
    faults += (fault for fault in found if fault.path not in told)
    if faults:
        raise SettingsError(tuple(faults))
    return _with_hosts(settings)


def readable_providers(path: Path | None, environ: Mapping[str, str]) -> dict[str, Provider]:
    """The providers whose own sections can be used, whatever is wrong elsewhere.

    So that a wrong issuer is found in the same run as the faults that `load` finds. A name that is no setting
    is passed over, and a client secret that cannot be read has a stand-in: these sign nobody in.
    """
    shape = _shape()
    document, _ = _read_document(path or _path_of(environ))
    lay_over(document, environ, shape)
    unreadable = {fault.path for fault in _read_files(document, shape)}
    named = document.get("providers")
    tables = {DEFAULT_PROVIDER: ("provider", document.get("provider"))}
    tables |= {
        name: (f"providers.{name}", table)
        for name, table in (named if isinstance(named, dict) else {}).items()
    }
    return {
        name: provider
        for name, (place, table) in tables.items()
        if f"{place}.ca_file" not in unreadable and (provider := _provider(table)) is not None
    }


@cache
def _shape() -> Shape:
    schema = settings_json_schema()
    return Shape(schema, schema["$defs"])


def _provider(table: object) -> Provider | None:
    if not isinstance(table, dict):
        return None
    known = {name: value for name, value in table.items() if name in Provider.model_fields}
    try:
        return Provider.model_validate({"client_secret": _STAND_IN, **known})
    except ValidationError:
        return None


def _path_of(environ: Mapping[str, str]) -> Path | None:
    return Path(environ[FILE_VARIABLE]) if FILE_VARIABLE in environ else None


def _read_document(path: Path | None) -> tuple[dict[str, Any], list[SettingFault]]:
    if path is None:
        return {}, []
    try:
        return tomllib.loads(path.read_text("utf-8-sig")), []
    except FileNotFoundError:
        fault = SettingFault(str(path), "no such file", f"name it with --config or {FILE_VARIABLE}")
    except OSError as error:
        fault = SettingFault(str(path), f"cannot be read: {error.strerror}", _MAY_READ)
    except tomllib.TOMLDecodeError as error:
        fault = SettingFault(str(path), f"is not TOML: {error}", _TOML)
    except UnicodeDecodeError:
        fault = SettingFault(str(path), "is not UTF-8", "save it as UTF-8")
    return {}, [fault]


def _read_files(node: object, shape: Shape, place: Place = ()) -> Iterator[SettingFault]:
    """Put each secret file's content where the secret would stand; see that certificates can be read."""
    match node:
        case list():
            for index, element in enumerate(node):
                yield from _read_files(element, shape.at((index,)) or shape, (*place, index))
        case dict():
            for name, value in list(node.items()):
                below = shape.at((name,))
                if below and name.endswith("_file") and isinstance(value, str):
                    fault = _read_file(node, name, shape)
                    yield from [SettingFault(dotted((*place, name)), *fault)] if fault else []
                elif below:
                    yield from _read_files(value, below, (*place, name))
        case _:
            pass


def _read_file(table: dict[str, Any], name: str, shape: Shape) -> tuple[str, str] | None:
    """Read the file that the setting `name` names; what is wrong and what to do, None when nothing is."""
    secret = name.removesuffix("_file")
    if secret in table:
        return f"{secret} is given too", "keep one of the two"
    try:
        content = Path(table[name]).read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        problem = f"cannot be read: {error.strerror}, got {json.dumps(table[name], ensure_ascii=False)}"
        return problem, _MAY_READ
    except ValueError:
        return "cannot be read as UTF-8 text", "check the path"
    if not content.strip():
        return "is empty", f"put the {secret} into it"
    if shape.at((secret,)):
        table[secret] = content
        return None
    return _wrong_pem(table, name, content)


def _wrong_pem(table: Mapping[str, Any], name: str, content: str) -> tuple[str, str] | None:
    if name.endswith("_key_file"):
        certificate = table.get(f"{name.removesuffix('_key_file')}_cert_file")
        try:
            if isinstance(certificate, str):
                ssl.create_default_context().load_cert_chain(certificate, table[name], password=_refuse)
        except (OSError, ValueError):
            return "holds no key of that certificate", "give its private key in PEM, without a passphrase"
        return None
    try:
        ssl.create_default_context(cadata=content)
    except (ssl.SSLError, TypeError):
        return "holds no certificate", "give certificates in PEM"
    return None


def _refuse() -> str:
    """Instead of asking for a passphrase on the terminal."""
    raise ValueError("a passphrase is needed")


def _with_hosts(settings: Settings) -> Settings:
    """Fill in what an app left out: its host is that of public_url, its name is its host."""
    public = settings.gateway.public_url.host
    apps = [app.model_copy(update={"host": app.host or public}) for app in settings.apps]
    return settings.model_copy(
        update={"apps": tuple(app.model_copy(update={"name": app.name or app.host}) for app in apps)}
    )
