"""HAProxy itself accepts the configuration in `examples/deploy/`."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.documentation.pages import ROOT
from tests.support.haproxy import program


def certificate(host: str = "numbers.example.com") -> bytes:
    """Return a certificate of a host, which signs itself, and its private key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    begins = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=1))
    for extension in (
        x509.SubjectAlternativeName([x509.DNSName(host)]),
        x509.BasicConstraints(ca=True, path_length=None),
        own,
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own),
    ):
        builder = builder.add_extension(extension, critical=False)
    signed = builder.sign(key, hashes.SHA256())
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return signed.public_bytes(pem) + key.private_bytes(pem, private, serialization.NoEncryption())


def test_haproxy_accepts_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "certificate").write_bytes(certificate())
    text = (ROOT / "examples/deploy/haproxy.cfg").read_text()
    (tmp_path / "haproxy.cfg").write_text(text.replace("/run/secrets", str(tmp_path)))
    done = subprocess.run(
        [program(), "-c", "-f", str(tmp_path / "haproxy.cfg")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "[ALERT]" not in done.stderr
