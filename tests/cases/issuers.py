"""The issuers that hostile cases share. What all their messages say is honest until a case alters one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.cases import hostile_keys, hostile_metadata, hostile_token
from tests.support.alterations import at_origin, members, says
from tests.support.hostile import Alteration
from tests.support.issuers import Issuer, name_of

IMPATIENT: Final = 'timeout = "1s"'
FRESH: Final = 'metadata_refresh = "1s"'

SHARED: Final = (
    Issuer(name="usual"),
    Issuer(name="second", own_keys=True),
    Issuer(name="plain", client={"userinfo_signed_response_alg": None}),
    Issuer(
        name="es256",
        client={"id_token_signed_response_alg": "ES256", "userinfo_signed_response_alg": "ES256"},
    ),
    Issuer(name="hurried", settings=IMPATIENT),
    Issuer(name="silent", base=(members("discovery", authorization_response_iss_parameter_supported=False),)),
    Issuer(name="away", address="https://127.0.0.1:9/nobody"),
    Issuer(name="nameless", address="https://provider.invalid/api/v2"),
    Issuer(name="leaving", settings=FRESH),
    Issuer(name="fresh", settings=f"{FRESH}\n{IMPATIENT}"),
    Issuer(name="flooded"),
    Issuer(name="redirected", app='sign_in = "redirect"'),
    Issuer(name="rotating-kept"),
    Issuer(name="rotating-gone"),
    Issuer(
        name="for-admins",
        client={"userinfo_signed_response_alg": None},
        app='[[apps.routes]]\npath = "/admins/"\nrequire.roles = ["admin"]',
    ),
)

TURNING: Final[Mapping[str, Alteration]] = {
    "A6 to another issuer": members("discovery", issuer="https://other.example"),
    "A6 to another token endpoint": at_origin("token_endpoint", "attacker"),
    "A6 to other keys": at_origin("jwks_uri", "attacker"),
    "A6 to a redirect": says("discovery", status=302, to="/discovery"),
    "A6 to 404": says("discovery", status=404),
    "A6 to 500": says("discovery", status=500),
}
"""What an issuer that was honest turns to."""

ISSUERS: Final = (
    *SHARED,
    *(Issuer(name=name_of(name), settings=FRESH) for name in TURNING),
    *hostile_metadata.ISSUERS,
    *hostile_keys.ISSUERS,
    *hostile_token.ISSUERS,
)
