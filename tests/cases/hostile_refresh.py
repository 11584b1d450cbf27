"""Section H of the hostile provider, a refreshed session that is to end: one row a variant."""

from __future__ import annotations

from typing import Final

from joserfc.jwk import OctKey

from gateway.errors import Fault
from tests.cases.hostile_id_token import FOREIGN, without_signature
from tests.support.alterations import Case, id_token, members, says
from tests.support.hostile import Alteration
from tests.support.story import CLIENT


def mismatch(alteration: Alteration) -> Case:
    """An ID token that is not this session's."""
    return Case(alteration, Fault.REFRESH_MISMATCH, 401)


def refused(alteration: Alteration) -> Case:
    """No token at all."""
    return Case(alteration, Fault.REFRESH_REFUSED, 401)


CASES: Final = {
    "H1 another sub": mismatch(id_token(sub="somebody-else")),
    "H1 another iss": mismatch(id_token(iss="https://other.example")),
    "H1 another aud": mismatch(id_token(aud="another-client")),
    "H1 a second aud": mismatch(id_token(aud=[CLIENT.client_id, "another-client"])),
    "H1 another nonce": mismatch(id_token(nonce="n" * 43)),
    "H1 none": mismatch(id_token(header={"alg": "none"}, mangled=without_signature)),
    "H1 another algorithm": mismatch(id_token(signing=("ES256", lambda provider: provider.keys.es256))),
    "H1 HS256 with the client's secret": mismatch(
        id_token(signing=("HS256", OctKey.import_key(CLIENT.client_secret)))
    ),
    "H1 a foreign key": mismatch(id_token(signing=("RS256", FOREIGN))),
    "H1 auth_time moved": mismatch(id_token(auth_time=lambda before: before + 60)),
    "H1 an access token of another person": mismatch(members("token", access_token="b" * 43)),
    "H1 an earlier iat": mismatch(id_token(iat=lambda now: now - 60)),
    "H1 expired": mismatch(id_token(exp=lambda end: end - 7_200)),
    "H2 invalid_grant": refused(says("token", {"error": "invalid_grant"}, status=400)),
    "H2 invalid_grant with a description": refused(
        says("token", {"error": "invalid_grant", "error_description": "<b>no</b>"}, status=400)
    ),
}
