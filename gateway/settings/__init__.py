"""The settings: one TOML file, the environment and secret files, read once and whole into frozen values.

`load` gives Settings or every fault at once. No handler sees Settings; `app` gives each the values it needs.
"""

from __future__ import annotations

from gateway.settings.faults import SettingFault, SettingsError
from gateway.settings.load import load
from gateway.settings.model import (
    DEFAULT_PROVIDER,
    App,
    Gateway,
    Log,
    Observe,
    Sessions,
    Settings,
    dangers,
    settings_json_schema,
)
from gateway.settings.provider import Provider
from gateway.settings.rules import Route
from gateway.settings.urls import (
    ListenAddress,
    MemoryStore,
    Origin,
    RedisStore,
    SqliteStore,
)

__all__ = [
    "DEFAULT_PROVIDER",
    "App",
    "Gateway",
    "ListenAddress",
    "Log",
    "MemoryStore",
    "Observe",
    "Origin",
    "Provider",
    "RedisStore",
    "Route",
    "Sessions",
    "SettingFault",
    "Settings",
    "SettingsError",
    "SqliteStore",
    "dangers",
    "load",
    "settings_json_schema",
]
