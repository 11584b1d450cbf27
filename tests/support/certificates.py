"""A certificate authority for a test, and what it signs."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class TestAuthority:
    """Signs certificates for servers.

    Args:
        folder: where files are written that OpenSSL must read.
    """

    __test__ = False

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls, folder: Path) -> TestAuthority:
        """An authority that nobody trusts but who takes its `trust`."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder("Test authority", key.public_key())
            .issuer_name(_name("Test authority"))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(folder, key, certificate)

    def trust(self) -> ssl.SSLContext:
        """What a client needs in order to believe this authority, and no other."""
        pem = self.certificate.public_bytes(Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def file(self) -> Path:
        """The authority's own certificate, for a program that is told whom to trust."""
        path = self.folder / f"authority-{self.certificate.serial_number}.pem"
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return path

    def server(self, host: str, *, expired: bool = False) -> ssl.SSLContext:
        """What a server needs in order to be `host`."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.pair(host, expired=expired))
        return context

    def pair(self, host: str, *, expired: bool = False) -> Path:
        """A key and its certificate for `host`, a name or an IPv4 address, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(host, key.public_key(), ended=expired)
            .issuer_name(self.certificate.subject)
            .add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{host}-{certificate.serial_number}.pem"
        path.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        return path


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(IPv4Address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(name: str, key: ec.EllipticCurvePublicKey, *, ended: bool = False) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    end = now - timedelta(days=1) if ended else now + timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(end)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
