"""The files of `examples/deploy/` are read by the programs they are for: HAProxy, Docker Compose, Kubernetes.

Docker Compose and Kubernetes' schemas come in wheels, which .ci/run installs.
"""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.documentation.pages import ROOT
from tests.support.haproxy import program
from tests.support.wire import environment

DEPLOY = ROOT / "examples/deploy"


def output_of(home: Path, name: str, *arguments: str) -> str:
    """Run a program, which may come in a wheel, and return its output, if it complains of nothing."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = shutil.which(name, path=path)
    assert found, f"{name} is not installed"
    done = subprocess.run(
        [found, *arguments],
        cwd=DEPLOY,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def compose(home: Path, *files_and_command: str) -> str:
    """Return what Docker Compose prints of files: those come first, and have a suffix."""
    files = [f"--file={each}" for each in files_and_command if each.endswith(".yaml")]
    return output_of(home, "docker-compose", *files, *files_and_command[len(files) :])


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
    text = (DEPLOY / "haproxy.cfg").read_text()
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


def test_compose_accepts_its_files_and_runs_what_they_say(tmp_path: Path) -> None:
    for files in (["compose.yaml"], ["compose.yaml", "compose.tenants.yaml"]):
        assert compose(tmp_path, *files, "config", "--services").split() == ["postgres", "numbers", "proxy"]


def test_kubernetes_accepts_its_manifests(tmp_path: Path) -> None:
    found = output_of(tmp_path, "kubernetes-validate", "--strict", "kubernetes.yaml")
    assert found.count(" passed for resource ") == 4
