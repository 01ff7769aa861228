"""A certificate authority of one's own, and what the service and its SAEs need from it."""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from qfl.core.errors import ConfigError

SERVER = "kme"
AUTHORITY = "ca"
_DAYS = 365
_SAE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PrivateKey = ec.EllipticCurvePrivateKey


def make_certificates(
    folder: Path, *, saes: Iterable[str], hosts: Sequence[str] = ("localhost", "127.0.0.1")
) -> list[Path]:
    """Make an authority, a server certificate and one client certificate per SAE; return the files.

    Files are NAME.pem and NAME.key (readable by the owner alone). The common name of a client
    certificate is its SAE id. The authority's key is not kept: to add an SAE, start over.

    Args:
        folder: made if missing; must hold no certificates.
        saes: ids.
        hosts: names and addresses of the server.

    Raises:
        ConfigError: an id that is no plain name, or certificates are there already.
    """
    saes = list(saes)
    for name in saes:
        if not _SAE_ID.fullmatch(name) or name in (SERVER, AUTHORITY) or saes.count(name) > 1:
            raise ConfigError(
                f"SAE id {name!r}; allowed: letters, digits, dot, dash and underscore, at most "
                f"63, each id once, and neither {SERVER!r} nor {AUTHORITY!r}"
            )
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / f"{AUTHORITY}.pem").exists():
        raise ConfigError(f"{folder} holds certificates already; choose another folder")
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _sign(AUTHORITY, authority_key, authority_key, [])
    made = [_write(folder / f"{AUTHORITY}.pem", authority)]
    for name in (SERVER, *saes):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(name, key, authority_key, hosts if name == SERVER else [])
        made.append(_write(folder / f"{name}.pem", certificate))
        made.append(folder / f"{name}.key")
        with open(made[-1], "wb", opener=_owner_only) as file:
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
    return made


def _sign(
    name: str, key: _PrivateKey, authority_key: _PrivateKey, hosts: Sequence[str]
) -> x509.Certificate:
    """Return the certificate of `name`; the authority's signs itself."""
    is_authority = key is authority_key
    now = datetime.datetime.now(datetime.UTC)
    usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    issuer = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_common_name(name))
        .issuer_name(_common_name(AUTHORITY))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), False
        )
        .add_extension(_key_usage(is_authority), True)
    )
    if not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
    if hosts:
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        builder = builder.add_extension(names, False)
    return builder.sign(authority_key, hashes.SHA256())


def _key_usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, certificate: x509.Certificate) -> Path:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
