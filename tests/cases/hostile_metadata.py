"""Section A of the hostile provider, metadata: one row a variant, each an issuer that is so throughout."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.errors import Fault
from tests.cases import wires
from tests.support.alterations import ABSENT, at_origin, cut, members, says, stalled, wire
from tests.support.hostile import Alteration, Hostile, Said
from tests.support.issuers import Issuer, name_of, patience

UNREACHED: Final = frozenset({Fault.PROVIDER_SLOW, Fault.PROVIDER_UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Refused:
    """Metadata that nobody is sent anywhere for.

    Args:
        alteration: what the issuer says.
        fault: what the gateway says of it.
        status: of the page that whoever wants to sign in gets.
    """

    alteration: Alteration
    fault: Fault
    status: int = 503


def issuer(value: Callable[[str], object] | object) -> Refused:
    """Another `issuer`."""
    return Refused(members("discovery", issuer=value), Fault.METADATA_ISSUER)


def endpoint(member: str, value: Callable[[str], object] | object) -> Refused:
    """Another endpoint."""
    return Refused(members("discovery", **{member: value}), Fault.METADATA_ENDPOINT)


def document(body: object, **said: Any) -> Refused:
    """Another document."""
    return Refused(says("discovery", body, **said), Fault.METADATA_MALFORMED)


def with_piece(piece: str) -> Refused:
    """The document with a member that no writer of JSON would write."""
    return document(lambda body: body[:-1] + f',"foo":{piece}}}'.encode())


def downgrade(**changes: Any) -> Refused:
    """Less than the client needs."""
    return Refused(members("discovery", **changes), Fault.METADATA_DOWNGRADE)


def redirect(status: int, to: str) -> Refused:
    """Another address."""
    return Refused(says("discovery", status=status, to=to), Fault.METADATA_REDIRECT)


def to_itself(said: Said, provider: Hostile) -> Said:
    return replace(said, status=302, location=f"{provider.issuer}/.well-known/openid-configuration")


REFUSED: Final = {
    "A1 issuer with an end": issuer(lambda issuer: f"{issuer}/evil"),
    "A1 issuer with a slash more": issuer(lambda issuer: f"{issuer}/"),
    "A1 issuer cut short": issuer(lambda issuer: issuer[:-1]),
    "A1 issuer in capitals": issuer(str.upper),
    "A1 issuer at another port": issuer(lambda issuer: issuer.replace("127.0.0.1:", "127.0.0.1:1")),
    "A1 issuer of another scheme": issuer(lambda issuer: issuer.replace("https:", "http:")),
    "A1 issuer at another path": issuer(lambda issuer: issuer.replace("/a1-", "/a2-")),
    "A1 issuer and a blank": issuer(lambda issuer: f"{issuer} "),
    "A1 issuer absent": issuer(ABSENT),
    "A1 issuer null": issuer(None),
    "A1 issuer an array": issuer(lambda issuer: [issuer]),
    "A2 token endpoint without TLS": endpoint("token_endpoint", lambda url: url.replace("https:", "http:")),
    "A2 token endpoint a file": endpoint("token_endpoint", "file:///etc/passwd"),
    "A2 authorization endpoint a script": endpoint("authorization_endpoint", "javascript:alert(1)"),
    "A2 end session endpoint a script": endpoint("end_session_endpoint", "javascript:alert(1)"),
    "A2 token endpoint with a user": endpoint(
        "token_endpoint", lambda url: url.replace("https://", "https://127.0.0.1@")
    ),
    "A2 keys behind a user that looks like the host": endpoint(
        "jwks_uri", lambda url: url.replace("https://", "https://x:y@")
    ),
    "A2 token endpoint with a fragment": endpoint("token_endpoint", lambda url: f"{url}#x"),
    "A2 token endpoint with a line break": endpoint("token_endpoint", lambda url: f"{url}\r\nX-Forged: 1"),
    "A2 userinfo of the machine's own network": endpoint("userinfo_endpoint", "https://169.254.169.254/"),
    "A2 userinfo at a number": endpoint("userinfo_endpoint", "https://2130706433/userinfo"),
    "A2 keys at another host": Refused(at_origin("jwks_uri", "attacker"), Fault.METADATA_ENDPOINT),
    "A2 token endpoint at another host": Refused(
        at_origin("token_endpoint", "attacker"), Fault.METADATA_ENDPOINT
    ),
    "A2 authorization endpoint at another host": Refused(
        at_origin("authorization_endpoint", "attacker"), Fault.METADATA_ENDPOINT
    ),
    "A2 end session endpoint at another host": Refused(
        at_origin("end_session_endpoint", "attacker"), Fault.METADATA_ENDPOINT
    ),
    "A2 token endpoint at another port": endpoint(
        "token_endpoint", lambda url: url.replace("127.0.0.1:", "127.0.0.1:1")
    ),
    "A2 token endpoint absent": endpoint("token_endpoint", ABSENT),
    "A2 token endpoint an array": endpoint("token_endpoint", lambda url: [url]),
    "A3 HTML": document("<p>hello</p>", content_type="text/html"),
    "A3 JSON called HTML": document(bytes, content_type="text/html"),
    "A3 an array": document([]),
    "A3 nothing": document(b""),
    "A3 issuer twice": document(lambda body: body[:-1] + b',"issuer":"https://other.example"}'),
    "A3 NaN": with_piece("NaN"),
    "A3 a number of 5000 digits": with_piece("9" * 5000),
    "A3 nested arrays": with_piece("[" * 100_000 + "]" * 100_000),
    "A3 half a surrogate pair": with_piece('"\\ud800"'),
    "A3 UTF-16": document(lambda body: body.decode().encode("utf-16")),
    "A3 50 MB": Refused(wire("discovery", wires.fifty_megabytes), Fault.METADATA_MALFORMED),
    "A3 a gzip bomb": document(gzip.compress(bytes(50_000_000)), fields={"Content-Encoding": "gzip"}),
    "A3 a list that is none": Refused(
        members("discovery", id_token_signing_alg_values_supported="RS256"), Fault.METADATA_MALFORMED
    ),
    "A3 a flag that is none": Refused(
        members("discovery", authorization_response_iss_parameter_supported="false"), Fault.METADATA_MALFORMED
    ),
    "A3 404": document(b"", status=404),
    "A3 500": document(b"", status=500),
    "A3 no answer": Refused(stalled("discovery"), Fault.PROVIDER_SLOW, 504),
    "A3 a byte at a time": Refused(wire("discovery", wires.a_byte_at_a_time), Fault.PROVIDER_SLOW, 504),
    "A3 chunks without end": Refused(wire("discovery", wires.endless_chunks), Fault.METADATA_MALFORMED),
    "A3 a head without end": Refused(wire("discovery", wires.an_endless_head), Fault.PROVIDER_UNREACHABLE),
    "A3 a connection cut": Refused(cut("discovery"), Fault.PROVIDER_UNREACHABLE),
    "A4 301 to another host": redirect(301, "/discovery"),
    "A4 302 to another host": redirect(302, "/discovery"),
    "A4 307 to another host": redirect(307, "/discovery"),
    "A4 302 to http": redirect(302, "http://127.0.0.1:1/"),
    "A4 302 to itself": Refused(Alteration("discovery", to_itself), Fault.METADATA_REDIRECT),
    "A4 304": redirect(304, "/discovery"),
    "A5 no algorithm but none": downgrade(id_token_signing_alg_values_supported=["none"]),
    "A5 no algorithm of ours": downgrade(id_token_signing_alg_values_supported=["HS256", "ES256"]),
    "A5 no client authentication of ours": downgrade(
        token_endpoint_auth_methods_supported=["client_secret_basic", "none"]
    ),
    "A5 no algorithm of ours for userinfo": downgrade(userinfo_signing_alg_values_supported=["none"]),
}

NO_PKCE: Final = {
    "A5+ no PKCE advertised": members("discovery", code_challenge_methods_supported=ABSENT),
    "A5+ plain PKCE advertised": members("discovery", code_challenge_methods_supported=["plain"]),
}
"""What is advertised changes nothing about what is sent."""

ISSUERS: Final = (
    *(
        Issuer(
            name=name_of(name),
            base=(row.alteration,),
            settings=patience(row.fault),
        )
        for name, row in REFUSED.items()
    ),
    *(Issuer(name=name_of(name), base=(alteration,)) for name, alteration in NO_PKCE.items()),
)
