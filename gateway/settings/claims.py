"""What rules ask for that no sign-in would bring: claims not asked for, levels that ProConnect does not have.

Like `settings.combinations`, which calls this, it judges the document as written; what does not read is
another fault's concern.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from gateway.access.assurance import LEVELS, SETS, is_known
from gateway.access.requirements import Key
from gateway.oidc.profiles import PROCONNECT_SCOPES, PROFILES, ProfileName
from gateway.settings.faults import SettingFault, did_you_mean

Table: TypeAlias = Mapping[str, Any]

_LEVEL_NAMES: Final = (*LEVELS, *SETS)


def claim_faults(app_place: str, app: Table, provider: Table) -> Iterator[SettingFault]:
    """Every fault of this kind in the rules of one app, whose provider is ProConnect.

    Args:
        app_place: such as `apps[0]`.
        app: its section.
        provider: the section of its provider.
    """
    if provider.get("profile") != ProfileName.PROCONNECT:
        return
    scope = provider.get("scope", PROFILES[ProfileName.PROCONNECT].scope)
    asked_for = frozenset(map(str, scope)) if isinstance(scope, list | tuple) else None
    for place, conditions in _conditions(app_place, app):
        yield from _levels(place, conditions.get(Key.ACR))
        if asked_for is not None:
            yield from _unscoped(place, conditions, asked_for)


def _conditions(app_place: str, app: Table) -> Iterator[tuple[str, Table]]:
    """Each table of conditions, with its place."""
    routes = app.get("routes")
    for index, route in enumerate(routes if isinstance(routes, list) else []):
        place = f"{app_place}.routes[{index}].require"
        conditions = route.get("require") if isinstance(route, dict) else None
        if not isinstance(conditions, dict):
            continue
        groups = conditions.get("any")
        within = {f"any[{n}]": group for n, group in enumerate(groups if isinstance(groups, list) else [])}
        within["not"] = conditions.get("not")
        tables = {place: conditions, **{f"{place}.{name}": table for name, table in within.items()}}
        yield from ((there, table) for there, table in tables.items() if isinstance(table, dict))


def _levels(place: str, acr: object) -> Iterator[SettingFault]:
    for number, level in enumerate(acr if isinstance(acr, list) else []):
        if isinstance(level, str) and level.split() == [level] and not is_known(level):
            nearest = "" if ":" in level else did_you_mean(level, _LEVEL_NAMES)
            remedy = nearest or f"known are {', '.join(_LEVEL_NAMES)}"
            yield SettingFault(
                f"{place}.acr[{number}]", f'is no level that ProConnect gives, got "{level}"', remedy
            )


def _unscoped(place: str, conditions: Table, asked_for: frozenset[str]) -> Iterator[SettingFault]:
    further = conditions.get("claims")
    named = {f'claims."{name}"': name for name in further} if isinstance(further, dict) else {}
    looked_at = {name: Key.EMAIL if name == Key.EMAIL_DOMAIN else name for name in conditions} | named
    for name, claim in looked_at.items():
        scopes = PROCONNECT_SCOPES.get(claim)
        if scopes and not asked_for & set(scopes):
            yield SettingFault(
                f"{place}.{name}",
                "can never hold, because the claim is not asked for",
                f'add "{scopes[0]}" to the scope of the provider, if the client was granted it',
            )
