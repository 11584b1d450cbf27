"""Settings to what is behind an app: its upstreams, what they are told, and what becomes of their answers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Final

from gateway.access.identity import IdentityFields
from gateway.access.prefixes import ByPrefix
from gateway.proxy.fields import Reserved
from gateway.proxy.forwarded import USUALLY, Telling
from gateway.proxy.limits import Limits
from gateway.proxy.rules import AS_SENT, SECURITY_FIELDS, STRICT_TRANSPORT_SECURITY, AnswerRules
from gateway.proxy.streams import Streams
from gateway.proxy.target import DEFAULT_PORTS, UpstreamAddress
from gateway.proxy.upstream import Upstream
from gateway.settings.model import App
from gateway.settings.upstreams import Behind
from gateway.settings.urls import Origin
from gateway.web.site import Destination

METHOD_OVERRIDES: Final = frozenset({"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"})
"""Fields by which many frameworks take a request for one with another method."""

_PSEUDONYM: Final = "proconnect-gateway"  # RFC 9110 section 7.6.3: in place of the host's own name


def destinations_of(app: App, origin: Origin, streams: Streams) -> ByPrefix[Destination]:
    """Where the requests of an app go; nothing is connected yet.

    Args:
        app: its settings.
        origin: scheme, host and port by which browsers reach it.
        streams: holds what is open for long.
    """

    def destination(behind: Behind, prefix: str = "") -> Destination:
        return _destination(app, behind, origin, prefix=prefix, streams=streams)

    return ByPrefix(
        destination(app),
        {
            below.path: destination(below.over(app), below.path.rstrip("/") if below.strip_prefix else "")
            for below in app.upstreams
        },
    )


def behind_app(app: App) -> Iterator[tuple[str, Behind]]:
    """Each upstream of an app, with what it is called."""
    yield f"upstream of {app.name}", app
    for below in app.upstreams:
        yield f"upstream of {app.name} at {below.path}", below.over(app)


def upstream_of(
    behind: Behind,
    *addresses: UpstreamAddress,
    rules: AnswerRules = AS_SENT,
    streams: Streams | None = None,
) -> Upstream:
    """An upstream at some of its addresses, all of them by default."""
    given = addresses or behind.upstream
    return Upstream(
        *given,
        limits=limits_of(behind),
        tls=_tls(behind) if given[0].tls else None,
        server_name=behind.upstream_server_name,
        rules=rules,
        streams=streams,
    )


def limits_of(behind: Behind) -> Limits:
    """The bounds of an upstream."""
    return Limits(
        connect=behind.connect_timeout,
        first_byte=behind.first_byte_timeout,
        idle=behind.idle_timeout,
        quiet=behind.quiet_timeout,
        total=behind.total_timeout,
        keep_alive=behind.keep_alive_timeout,
        wait=behind.wait_timeout,
        set_aside=behind.set_aside,
        connections=behind.max_connections,
        waiting=behind.max_waiting,
        tunnels=behind.max_tunnels,
    )


def identity_of(app: App) -> IdentityFields:
    """How an application is told about a person."""
    return IdentityFields(
        preset=app.identity_fields,
        templates=tuple(app.identity_templates.items()),
        encoding=app.encoding,
        remote_user=app.remote_user,
        separator=app.separator,
    )


def reserved_of(app: App) -> Reserved:
    """What no browser may send to an application."""
    identity = identity_of(app)
    decided_by_method = any(route.methods is not None for route in app.routes)
    overrides = METHOD_OVERRIDES if decided_by_method and not app.danger_keep_method_override else frozenset()
    return Reserved(names=identity.names | app.request_fields.keys() | overrides, prefixes=identity.prefixes)


def _destination(app: App, behind: Behind, origin: Origin, *, prefix: str, streams: Streams) -> Destination:
    if not behind.upstream:
        return Destination(upstream=None)
    telling = Telling(
        x_forwarded=app.x_forwarded, forwarded=app.forwarded, via=_PSEUDONYM if app.via else None
    )
    added = [(name.encode(), value.encode()) for name, value in app.request_fields.items()]
    if prefix and app.x_forwarded:
        added.append((b"X-Forwarded-Prefix", prefix.encode()))
    return Destination(
        upstream=upstream_of(behind, rules=rules_of(app, behind, origin, prefix=prefix), streams=streams),
        host=None if behind.preserve_host else behind.upstream[0].authority,
        prefix=prefix,
        telling=USUALLY if telling == USUALLY else telling,
        added=tuple(added),
    )


def rules_of(app: App, behind: Behind, origin: Origin, *, prefix: str) -> AnswerRules:
    """What becomes of the fields of answers.

    Args:
        app: the app's settings.
        behind: those of the upstream.
        origin: scheme, host and port by which browsers reach it.
        prefix: what is taken off the paths of its requests.
    """
    given = app.response
    named = {name.lower() for name in (*given.add, *given.replace)}
    preset = (*SECURITY_FIELDS, *([STRICT_TRANSPORT_SECURITY] if origin.scheme == "https" else []))
    usual = (
        [pair for pair in preset if pair[0].decode().lower() not in named] if given.security_fields else []
    )
    own = _OwnAddress(behind, origin, prefix) if given.rewrite_address else None
    rules = AnswerRules(
        locations=(*_octets(given.locations), *(own.locations() if own else ())),
        cookie_domains=(
            *((name.encode(), new.encode() or None) for name, new in given.cookie_domains.items()),
            *(own.cookie_domains() if own else ()),
        ),
        cookie_paths=(*_octets(given.cookie_paths), *(own.paths() if own else ())),
        removed=frozenset(name.lower().encode() for name in given.remove),
        replaced=_octets(given.replace),
        added=(*_octets(given.add), *usual),
    )
    return AS_SENT if rules == AS_SENT else rules


class _OwnAddress:
    """What an application may call itself by, and what browsers call it.

    The new name has no host: it is right at whatever host the browser is.
    """

    def __init__(self, behind: Behind, origin: Origin, prefix: str) -> None:
        self._behind = behind
        self._origin = origin
        self._prefix = prefix
        self._base = behind.upstream[0].base

    def locations(self) -> Iterator[tuple[bytes, bytes]]:
        """Beginnings of URLs, each with what it becomes."""
        root = f"{self._prefix}/".encode()
        hosts = {name: None for address in self._behind.upstream for name in _names(address)}
        if self._behind.preserve_host:
            authority = str(self._origin).partition("://")[2]
            hosts |= {f"{scheme}://{authority}": None for scheme in DEFAULT_PORTS}
        for name in hosts:
            yield f"{name}{self._base}".encode(), root
        yield from self.paths()

    def paths(self) -> Iterator[tuple[bytes, bytes]]:
        """Beginnings of paths, each with what it becomes."""
        if self._prefix:
            # An application that was told of its prefix names it itself.
            yield self._prefix.encode(), self._prefix.encode()
        if self._prefix or self._base:
            yield (self._base or "/").encode(), f"{self._prefix}/".encode()

    def cookie_domains(self) -> Iterator[tuple[bytes, None]]:
        """Domains of cookies that go, so that the cookie is the browser's host's."""
        for address in self._behind.upstream:
            yield address.host.encode(), None


def _names(address: UpstreamAddress) -> Iterator[str]:
    scheme, authority = "https" if address.tls else "http", address.authority.decode()
    yield f"{scheme}://{authority}"
    if address.socket is None and address.port == DEFAULT_PORTS[scheme]:
        yield f"{scheme}://{authority}:{address.port}"


def _tls(behind: Behind) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=behind.upstream_ca_file)
    context.set_alpn_protocols(["http/1.1"])
    if behind.upstream_cert_file is not None:
        context.load_cert_chain(behind.upstream_cert_file, behind.upstream_key_file)
    return context


def _octets(fields: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode()) for name, value in fields.items())
