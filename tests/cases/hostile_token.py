"""Section E of the hostile provider, a token response that is not right: one row a variant."""

from __future__ import annotations

import gzip
from typing import Final

from gateway.errors import Fault
from tests.cases import wires
from tests.support.alterations import ABSENT, HONEST, Case, at_origin, cut, members, says, stalled, wire
from tests.support.hostile import Alteration, Wire
from tests.support.issuers import Issuer

TOO_LONG: Final = b'{"padding": "' + b"x" * 2_000_000 + b'"}'
GZIP: Final = {"Content-Encoding": "gzip"}
WRONG_CERTIFICATES: Final = {
    "misnamed": Fault.PROVIDER_TLS,
    "expired": Fault.PROVIDER_TLS,
    "untrusted": Fault.PROVIDER_TLS,
    # Python's server closes the connection before it has said why.
    "outdated": Fault.PROVIDER_UNREACHABLE,
}
"""Origins of the stage: of another host, past its end, by an unknown authority, and TLS 1.1 at most."""

ISSUERS: Final = tuple(
    Issuer(
        name=f"e7-{wrong}",
        base=(at_origin("token_endpoint", wrong),),
        profile="oidc",
        settings=f'endpoint_origins = ["{{{wrong}}}"]',
    )
    for wrong in WRONG_CERTIFICATES
)


def error(status: int, code: str) -> Alteration:
    return says("token", {"error": code, "error_description": "<b>no</b>"}, status=status)


def a_member_twice(body: bytes) -> bytes:
    return body[:-1] + b',"id_token":"eyJhbGciOiJub25lIn0.e30."}'


def number(body: bytes, text: str) -> bytes:
    """The response with a piece of JSON as its expires_in that no writer of JSON would write."""
    assert b'"expires_in": 3600' in body
    return body.replace(b'"expires_in": 3600', b'"expires_in": ' + text.encode())


def slow(write: Wire) -> Case:
    """An answer whose end nobody waits for."""
    return Case(wire("token", write), Fault.PROVIDER_SLOW, 504, at="hurried")


def broken(write: Wire) -> Case:
    """An answer that is no message of HTTP."""
    return Case(wire("token", write), Fault.PROVIDER_UNREACHABLE)


CASES: Final = {
    # Errors (RFC 6749 section 5.2)
    "E1 invalid_grant": Case(error(400, "invalid_grant"), Fault.TOKEN_ERROR),
    "E1 invalid_client": Case(error(401, "invalid_client"), Fault.TOKEN_ERROR),
    "E1 500": Case(says("token", status=500), Fault.TOKEN_ERROR),
    "E1 503": Case(says("token", status=503), Fault.TOKEN_ERROR),
    "E1 an error with status 200": Case(error(200, "invalid_grant"), Fault.TOKEN_ERROR),
    "E1 tokens and an error": Case(members("token", error="invalid_grant"), Fault.TOKEN_ERROR),
    "E1 201": Case(says("token", bytes, status=201), Fault.TOKEN_ERROR),
    "E1 204": Case(says("token", status=204), Fault.TOKEN_ERROR),
    # Redirects
    **{
        f"E4 {status}": Case(says("token", status=status, to="/token"), Fault.TOKEN_REDIRECT)
        for status in (301, 302, 303, 307, 308)
    },
    # Members (RFC 6749 section 5.1)
    "E1 no id_token": Case(members("token", id_token=ABSENT), Fault.TOKEN_MALFORMED),
    "E1 id_token null": Case(members("token", id_token=None), Fault.TOKEN_MALFORMED),
    "E1 no access_token": Case(members("token", access_token=ABSENT), Fault.TOKEN_MALFORMED),
    "E1 access_token a number": Case(members("token", access_token=1), Fault.TOKEN_MALFORMED),
    "E3 access_token empty": Case(members("token", access_token=""), Fault.TOKEN_MALFORMED),
    "E3 access_token with a line break": Case(
        members("token", access_token="a\r\nX-Forged: 1"), Fault.TOKEN_MALFORMED
    ),
    "E3 expires_in a text": Case(members("token", expires_in="3600"), Fault.TOKEN_MALFORMED),
    "E3 expires_in true": Case(members("token", expires_in=True), Fault.TOKEN_MALFORMED),
    "E3 expires_in negative": Case(members("token", expires_in=-1), Fault.TOKEN_MALFORMED),
    "E3 scope a number": Case(members("token", scope=1), Fault.TOKEN_MALFORMED),
    "E2 token_type mac": Case(members("token", token_type="mac"), Fault.TOKEN_TYPE),
    "E2 token_type DPoP": Case(members("token", token_type="DPoP"), Fault.TOKEN_TYPE),
    "E2 token_type absent": Case(members("token", token_type=ABSENT), Fault.TOKEN_TYPE),
    # Bodies
    "E5 HTML": Case(says("token", "<p>error</p>", content_type="text/html"), Fault.TOKEN_MALFORMED),
    "E5 JSON called HTML": Case(says("token", bytes, content_type="text/html"), Fault.TOKEN_MALFORMED),
    "E5 an array": Case(says("token", []), Fault.TOKEN_MALFORMED),
    "E5 nothing": Case(says("token"), Fault.TOKEN_MALFORMED),
    "E5 a byte order mark": Case(says("token", lambda body: b"\xef\xbb\xbf" + body), Fault.TOKEN_MALFORMED),
    "E5 UTF-16": Case(says("token", lambda body: body.decode().encode("utf-16")), Fault.TOKEN_MALFORMED),
    "E5 text after it": Case(says("token", lambda body: body + b" true"), Fault.TOKEN_MALFORMED),
    "E5 a member twice": Case(says("token", a_member_twice), Fault.TOKEN_MALFORMED),
    "E5 2 MB": Case(says("token", TOO_LONG), Fault.TOKEN_MALFORMED),
    # The connection
    "E6 no answer": Case(stalled("token"), Fault.PROVIDER_SLOW, 504, at="hurried"),
    "E7 a connection cut": Case(cut("token"), Fault.PROVIDER_UNREACHABLE),
    "E1 id_token an array": Case(members("token", id_token=["x"]), Fault.TOKEN_MALFORMED),
    "E1 access_token null": Case(members("token", access_token=None), Fault.TOKEN_MALFORMED),
    "E2 token_type N_A": Case(members("token", token_type="N_A"), Fault.TOKEN_TYPE),
    "E2 token_type empty": Case(members("token", token_type=""), Fault.TOKEN_TYPE),
    "E2 token_type and a blank": Case(members("token", token_type="Bearer "), Fault.TOKEN_TYPE),
    "E2 a DPoP nonce without end": Case(
        says(
            "token",
            {"error": "use_dpop_nonce"},
            status=400,
            fields={"DPoP-Nonce": "n" * 43},
        ),
        Fault.TOKEN_ERROR,
    ),
    "E3 expires_in of 1e308": Case(says("token", lambda body: number(body, "1e308")), Fault.TOKEN_MALFORMED),
    "E3 expires_in of 5000 digits": Case(
        says("token", lambda body: number(body, "9" * 5000)), Fault.TOKEN_MALFORMED
    ),
    "E3 expires_in null": Case(members("token", expires_in=None), Fault.TOKEN_MALFORMED),
    "E3 access_token with a blank": Case(members("token", access_token="a b"), Fault.TOKEN_MALFORMED),
    "E3 access_token of 1 MB": Case(members("token", access_token="a" * 1_000_000), Fault.TOKEN_MALFORMED),
    "E3 access_token of 20 kB": Case(members("token", access_token="a" * 20_000), Fault.TOKEN_MALFORMED),
    "E4 to another path": Case(
        says("token", status=307, to="https://127.0.0.1:1/token"), Fault.TOKEN_REDIRECT
    ),
    "E5 a gzip bomb": Case(
        says("token", gzip.compress(bytes(50_000_000)), fields=GZIP), Fault.TOKEN_MALFORMED
    ),
    "E5 compressed": Case(says("token", gzip.compress, fields=GZIP), Fault.TOKEN_MALFORMED),
    "E5 50 MB": Case(wire("token", wires.fifty_megabytes), Fault.TOKEN_MALFORMED),
    "E5 nested arrays": Case(
        says("token", lambda body: number(body, "[" * 100_000 + "]" * 100_000)), Fault.TOKEN_MALFORMED
    ),
    "E5 NaN": Case(says("token", lambda body: number(body, "NaN")), Fault.TOKEN_MALFORMED),
    "E5 half a surrogate pair": Case(
        says("token", lambda body: body[:-1] + b',"foo":"\\udc00"}'), Fault.TOKEN_MALFORMED
    ),
    "E5 two media types": Case(
        says("token", bytes, content_type="application/json, text/html"), Fault.TOKEN_MALFORMED
    ),
    # The time
    "E6 a byte at a time": slow(wires.a_byte_at_a_time),
    "E6 stalled inside the body": slow(wires.stalls_inside_the_body),
    "E6 stalled inside the head": slow(wires.stalls_inside_the_head),
    "E6 small chunks without end": slow(wires.endless_small_chunks),
    "E6 early hints without end": slow(wires.early_hints_without_end),
    "E6 chunks without end": Case(wire("token", wires.endless_chunks), Fault.TOKEN_MALFORMED),
    # The connection
    "E7 a head without end": broken(wires.an_endless_head),
    "E7 a line without end": broken(wires.an_endless_line),
    "E7 a hundred fields of 8 kB": broken(wires.a_hundred_fields_of_8_kb),
    "E7 a flood of early hints": broken(wires.a_flood_of_early_hints),
    "E7 less than announced": broken(wires.less_than_announced),
    "E7 two lengths": broken(wires.two_lengths),
    "E7 a length and chunks": broken(wires.a_length_and_chunks),
    "E7 a chunk of no size": broken(wires.a_chunk_of_no_size),
    "E7 no HTTP": broken(wires.no_http),
    "E7 nothing": broken(wires.nothing),
    # The certificate
    **{
        f"E7 a certificate that is {wrong}": Case(HONEST, fault, at=f"e7-{wrong}")
        for wrong, fault in WRONG_CERTIFICATES.items()
    },
}
