from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.oidc.client_keys import NO_KEYS, read_client_keys
from tests.support.honest import EC, OTHER_EC, OTHER_RSA, RSA


def pem(key: ECKey | RSAKey | OKPKey) -> str:
    return key.as_pem(private=True).decode()


def test_the_first_key_signs_and_all_are_published() -> None:
    keys = read_client_keys(f"# since May\n{pem(EC)}\n# before\n{pem(RSA)}")
    signed = jwt.decode(keys.sign({"a": 1}, "ES256").reveal(), EC, algorithms=["ES256"])
    assert (signed.header["kid"], signed.claims) == (EC.thumbprint(), {"a": 1})
    assert keys.algs == ("ES256",)
    published = keys.published()["keys"]
    assert [(key["kid"], key["kty"], key["use"]) for key in published] == [
        (EC.thumbprint(), "EC", "sig"),
        (RSA.thumbprint(), "RSA", "sig"),
    ]


def test_no_private_half_is_published() -> None:
    for key in read_client_keys(pem(EC) + pem(RSA)).published()["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys()


def test_keys_do_not_show_themselves() -> None:
    assert repr(read_client_keys(pem(EC))) == "ClientKeys()"


def test_an_rsa_key_signs_either_way() -> None:
    keys = read_client_keys(pem(OTHER_RSA))
    assert keys.algs == ("RS256", "PS256")
    for alg in keys.algs:
        assert jwt.decode(keys.sign({}, alg).reveal(), OTHER_RSA, algorithms=[alg]).header["alg"] == alg


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_a_key_may_be_written_as_openssl_writes_it(form: PrivateFormat) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    assert len(read_client_keys(text).published()["keys"]) == 1


def test_an_rsa_key_may_be_written_as_openssl_writes_it() -> None:
    key = rsa.generate_private_key(65537, 2048)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    assert text.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert read_client_keys(text).algs == ("RS256", "PS256")


def test_an_encrypted_key_is_refused_also_beside_a_plain_one() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
    with pytest.raises(ValueError, match="without a passphrase"):
        read_client_keys(pem(EC) + locked)


def test_without_keys_nothing_is_published() -> None:
    assert NO_KEYS.published() == {"keys": []}
    assert NO_KEYS.algs == ()


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "must be a private key in PEM"),
        (EC.as_pem(private=False).decode(), "must be a private key in PEM"),
        (
            "-----BEGIN PRIVATE KEY-----\nbm8=\n-----END PRIVATE KEY-----",
            "must be a P-256 key, or an RSA key",
        ),
        (pem(ECKey.generate_key("P-384")), "must be a P-256 key, or an RSA key"),
        (
            rsa.generate_private_key(65537, 1024)  # noqa: S505 - refused
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            .decode(),
            "must be a P-256 key, or an RSA key",
        ),
        (pem(OKPKey.generate_key("Ed25519")), "must be a P-256 key, or an RSA key"),
        (pem(OTHER_EC) + pem(OTHER_EC), "holds a key twice"),
        (
            ec.generate_private_key(ec.SECP256R1())
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
            .decode(),
            "must be without a passphrase",
        ),
        (
            ec.generate_private_key(ec.SECP256R1())
            .private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x"))
            .decode(),
            "must be without a passphrase",
        ),
    ],
    ids=range(9),
)
def test_what_cannot_be_used_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_client_keys(text)
