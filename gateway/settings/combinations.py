"""What is wrong only when settings of several sections, or of several apps, are seen together.

Judged on the document as written, so that a fault elsewhere hides none of these. A value that does not read
is another fault's concern and is passed over here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import combinations
from typing import Any, TypeAlias, TypeVar

from gateway.access import policy
from gateway.access.hosts import ByHost
from gateway.access.identity import IdentityFields
from gateway.access.paths import path_pattern
from gateway.access.presets import Preset
from gateway.proxy.fields import Reserved
from gateway.settings.claims import claim_faults
from gateway.settings.faults import SettingFault, did_you_mean
from gateway.settings.model import DEFAULT_PROVIDER, App, Gateway, Observe, Sessions
from gateway.settings.upstreams import CARRIED_ELSEWHERE, OVER_TLS
from gateway.settings.urls import (
    ListenAddress,
    MemoryStore,
    is_local,
    read_host_pattern,
    read_listen,
    read_origin,
    read_store,
)
from gateway.settings.values import LONGEST_DURATION, Section, read_duration

T = TypeVar("T")
Table: TypeAlias = Mapping[str, Any]

_any_duration = partial(read_duration, least=1, most=LONGEST_DURATION)
_EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def combination_faults(document: Table) -> Iterator[SettingFault]:
    """Every fault of this kind in the whole document."""
    gateway = _table(document.get("gateway"))
    apps = [(f"apps[{index}]", _table(app)) for index, app in enumerate(_list(document.get("apps")))]
    yield from _listening(gateway, _table(document.get("observe")))
    yield from _sealing(gateway, _table(document.get("sessions")))
    yield from _providers(document, apps)
    yield from _hosts(gateway, apps)
    yield from _names(apps)
    yield from _carried_elsewhere(gateway, apps)
    for place, app in apps:
        yield from _upstreams(place, app)
        yield from _identity(place, app)
        yield from _lifetimes(_table(document.get("sessions")), place, app)
        yield from _sign_out_paths(gateway, place, app)
        yield from _routes(gateway, place, app)
        yield from claim_faults(place, app, _provider_of(document, app))


def _provider_of(document: Table, app: Table) -> Table:
    name = _written(app, App, "provider")
    if name == DEFAULT_PROVIDER and "provider" in document:
        return _table(document["provider"])
    return _table(_table(document.get("providers")).get(str(name)))


def _listening(gateway: Table, observe: Table) -> Iterator[SettingFault]:
    public = _read(read_listen, _written(gateway, Gateway, "listen"))
    private = _read(read_listen, _written(observe, Observe, "listen"))
    if public and private and _collide(public, private):
        yield SettingFault("observe.listen", "is the port of gateway.listen too", "take another port")


def _collide(one: ListenAddress, other: ListenAddress) -> bool:
    same_host = one.host == other.host or bool(_EVERY_ADDRESS & {one.host, other.host})
    return one.port == other.port != 0 and same_host


def _sealing(gateway: Table, sessions: Table) -> Iterator[SettingFault]:
    store = _read(read_store, _written(sessions, Sessions, "store"))
    if store and not isinstance(store, MemoryStore) and not {"secret", "secret_file"} & gateway.keys():
        yield SettingFault(
            "gateway.secret",
            "required, because sessions.store outlives the process",
            'give secret_file; make its content with "proconnect-gateway secret new"',
        )


def _providers(document: Table, apps: list[tuple[str, Table]]) -> Iterator[SettingFault]:
    named = _table(document.get("providers"))
    known = (*(["default"] if "provider" in document else []), *named)
    if not known:
        yield SettingFault(
            "provider", "required", "add [provider] with profile, client_id and client_secret_file"
        )
        return
    if known.count(DEFAULT_PROVIDER) > 1:
        yield SettingFault(
            f"providers.{DEFAULT_PROVIDER}", "is the section provider already", "keep one of the two"
        )
    for place, app in apps:
        name = _written(app, App, "provider")
        if isinstance(name, str) and name not in known:
            remedy = did_you_mean(name, known) or "known are " + ", ".join(f'"{other}"' for other in known)
            yield SettingFault(f"{place}.provider", f'is no provider, got "{name}"', remedy)


def _lifetimes(sessions: Table, place: str, app: Table) -> Iterator[SettingFault]:
    names = ("idle_lifetime", "absolute_lifetime")
    given = {name: app.get(name, _written(sessions, Sessions, name)) for name in names}
    idle, absolute = (_read(_any_duration, value) for value in given.values())
    own = [name for name in names if name in app]
    if own and idle and absolute and absolute < idle:
        problem = f'makes absolute_lifetime "{absolute}s" shorter than idle_lifetime "{idle}s"'
        yield SettingFault(f"{place}.{own[-1]}", problem, "give the application both")


def _hosts(gateway: Table, apps: list[tuple[str, Table]]) -> Iterator[SettingFault]:
    public = _read(read_origin, gateway.get("public_url"))
    default = public.host if public else None
    hostless = [place for place, app in apps if "host" not in app]
    hosts = {
        place: _read(read_host_pattern, app["host"]) if "host" in app else default for place, app in apps
    }
    for place in hostless[1:]:
        yield SettingFault(
            f"{place}.host", f"required, because {hostless[0]} has none", "one app may leave it out"
        )
    for (first, one), (second, other) in combinations(hosts.items(), 2):
        if one and one == other and not {first, second} <= set(hostless):
            yield SettingFault(
                f"{second}.host", f'is the host of {first} too, got "{other}"', "give each its own"
            )
    if public is None:
        return
    known = ByHost({host: place for place, host in hosts.items() if host}, at=lambda place, _: place)
    if hosts and None not in hosts.values() and known.get(public.host) is None:
        problem = f'names the host of no app, got "{public}"'
        yield SettingFault(
            "gateway.public_url", problem, "let one app leave its host out, or write this host there"
        )
    if public.scheme == "http" and gateway.get("danger_plain_http") is not True:
        for place, host in hosts.items():
            if host and not is_local(host) and place not in hostless:
                yield SettingFault(
                    f"{place}.host", f'is not this machine, got "{host}"', "make public_url https"
                )


def _names(apps: list[tuple[str, Table]]) -> Iterator[SettingFault]:
    for (first, one), (second, other) in combinations(apps, 2):
        name = other.get("name", other.get("host"))
        if name and name == one.get("name", one.get("host")) and "name" in {*one, *other}:
            problem = f'is the name of {first} too, got "{name}"'
            yield SettingFault(f"{second}.name", problem, "give each its own")


def _upstreams(app_place: str, app: Table) -> Iterator[SettingFault]:
    """Two upstreams for one path; TLS for none."""
    below = [
        (f"{app_place}.upstreams[{index}]", _table(table))
        for index, table in enumerate(_list(app.get("upstreams")))
    ]
    paths = [(place, table["path"]) for place, table in below if isinstance(table.get("path"), str)]
    for (first, one), (second, other) in combinations(paths, 2):
        if one.rstrip("/") == other.rstrip("/"):
            yield SettingFault(f"{second}.path", f'is the path of {first} too, got "{other}"', "keep one")
    urls = [url for table in (app, *(table for _, table in below)) for url in _texts(table.get("upstream"))]
    if urls and not any(url.startswith("https:") for url in urls):
        for name in OVER_TLS & app.keys():
            yield SettingFault(
                f"{app_place}.{name}", "counts only with an https upstream", "write https, or remove it"
            )


def _carried_elsewhere(gateway: Table, apps: list[tuple[str, Table]]) -> Iterator[SettingFault]:
    """A front server that would be believed nothing."""
    place = next((place for place, app in apps if app.get("upstream") == CARRIED_ELSEWHERE), None)
    if place is not None and not gateway.get("trusted_proxies"):
        yield SettingFault(
            "gateway.trusted_proxies",
            f'required, because {place}.upstream is "{CARRIED_ELSEWHERE}"',
            "give the address of the front server: nobody else may ask",
        )


def _sign_out_paths(gateway: Table, app_place: str, app: Table) -> Iterator[SettingFault]:
    """Addresses of a sign-out that no request with them would be forwarded to."""
    own = str(_written(gateway, Gateway, "path"))
    for index, text in enumerate(_texts(app.get("sign_out_paths"))):
        place = f"{app_place}.sign_out_paths[{index}]"
        if f"{text.partition('?')[0].casefold()}/".startswith(own):
            yield SettingFault(place, "is a path of the gateway's own", "name the application's sign-out")
        elif app.get("upstream") == CARRIED_ELSEWHERE:
            yield SettingFault(
                place,
                "counts only where the gateway forwards the requests",
                f"let the application's sign-out lead to {own}sign-out",
            )


def _identity(app_place: str, app: Table) -> Iterator[SettingFault]:
    """A name of a field that two settings give."""
    fixed, templates = _table(app.get("request_fields")), _table(app.get("identity_templates"))
    preset = _written(app, App, "identity_fields")
    identity = IdentityFields(preset=Preset(str(preset))) if preset in list(Preset) else IdentityFields()
    ours = Reserved(names=identity.names, prefixes=identity.prefixes)
    of_templates = Reserved(names=frozenset(map(str, templates)))
    for name in map(str, fixed):
        if ours.holds(name) or of_templates.holds(name):
            yield SettingFault(
                f"{app_place}.request_fields.{name}", "is the name of an identity field", "take another name"
            )


def _texts(value: object) -> list[str]:
    return [text for text in ([value] if isinstance(value, str) else _list(value)) if isinstance(text, str)]


def _routes(gateway: Table, app_place: str, app: Table) -> Iterator[SettingFault]:
    own = policy.Route(place="gateway.path", path=path_pattern(str(_written(gateway, Gateway, "path"))))
    earlier: list[policy.Route] = []
    for index, table in enumerate(map(_table, _list(app.get("routes")))):
        route = _route(f"{app_place}.routes[{index}]", table)
        if route is None:
            continue
        if _covers(own, route):
            yield SettingFault(
                route.place, f'lies under gateway.path "{own.path.text}", which no app gets', "remove it"
            )
        elif cover := next((other for other in earlier if _covers(other, route)), None):
            yield SettingFault(
                route.place, f"never decides, because {cover.place} does", "move it up, or remove it"
            )
        earlier.append(route)


def _route(place: str, table: Table) -> policy.Route | None:
    path, methods = table.get("path"), table.get("methods")
    if not isinstance(path, str) or not path.startswith("/"):
        return None
    return policy.Route(
        place=place,
        path=path_pattern(path, exact=table.get("exact") is True),
        methods=None if methods is None else frozenset(map(str, _list(methods))),
    )


def _covers(first: policy.Route, second: policy.Route) -> bool:
    """Whether `first` decides about every request that `second` is about."""
    if not first.path.covers_all_of(second.path):
        return False
    if second.methods is None:
        return first.methods is None
    return bool(second.methods) and all(map(first.covers_method, second.methods))


def _written(table: Table, model: type[Section], name: str) -> object:
    """What stands in the table, or the default as it would be written there."""
    return table.get(name, model.model_fields[name].default)


def _read(read: Callable[[str], T], value: object) -> T | None:
    try:
        return read(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _table(value: object) -> Table:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
