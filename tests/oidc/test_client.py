from __future__ import annotations

import pytest

from gateway.oidc.client import ClientAuthMethod, SigningAlg
from gateway.oidc.client_keys import ClientKeys
from gateway.secret import Secret
from tests.support.honest import EC, client


def test_a_client_asks_for_openid() -> None:
    with pytest.raises(ValueError, match="openid"):
        client(scope=("email",))


@pytest.mark.parametrize("which", ["id_token_signed_response_alg", "userinfo_signed_response_alg"])
def test_a_secret_shorter_than_the_hash_is_no_key_of_hs256(which: str) -> None:
    with pytest.raises(ValueError, match="32 octets"):
        client(client_secret=Secret("x" * 31), **{which: SigningAlg.HS256})
    assert client(client_secret=Secret("x" * 32), **{which: SigningAlg.HS256}).client_secret


@pytest.mark.parametrize(
    "id_token, userinfo, needed",
    [
        (SigningAlg.RS256, SigningAlg.RS256, True),
        (SigningAlg.HS256, SigningAlg.ES256, True),
        (SigningAlg.PS256, None, True),
        (SigningAlg.HS256, SigningAlg.HS256, False),
        (SigningAlg.HS256, None, False),
    ],
)
def test_a_key_set_is_needed_unless_the_secret_signs_everything(
    id_token: SigningAlg, userinfo: SigningAlg | None, *, needed: bool
) -> None:
    registered = client(id_token_signed_response_alg=id_token, userinfo_signed_response_alg=userinfo)
    assert registered.needs_key_set is needed


def test_a_short_secret_is_enough_where_it_signs_nothing() -> None:
    assert client(client_secret=Secret("x")).needs_key_set


def test_a_client_that_signs_needs_a_key_for_its_algorithm() -> None:
    signs = {"token_endpoint_auth_method": ClientAuthMethod.PRIVATE_KEY_JWT}
    with pytest.raises(ValueError, match="private_key_jwt needs a key"):
        client(**signs)
    keys = ClientKeys((EC,))
    with pytest.raises(ValueError, match="private_key_jwt needs a key"):
        client(**signs, keys=keys, token_endpoint_auth_signing_alg=SigningAlg.RS256)
    assert client(**signs, keys=keys).keys is keys
