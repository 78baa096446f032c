"""The command that makes credentials for a server other machines reach."""

from __future__ import annotations

import ipaddress
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

SCRIPT = Path(__file__).resolve().parents[2] / "server" / "deploy" / "credentials.sh"


def make(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    return subprocess.run([str(SCRIPT), str(folder), *names], capture_output=True, text=True, check=False)


def names_of(certificate: Path) -> x509.SubjectAlternativeName:
    """Who a certificate is for."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return found.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value  # type: ignore[return-value]


def test_the_certificates_say_who_is_who_and_come_from_one_authority(tmp_path: Path) -> None:
    """The server under every name and address given, the admin under the name that identities.toml lists."""
    assert make(tmp_path / "made", "genesis.example.org", "10.1.2.3", "::1").returncode == 0
    made = tmp_path / "made"
    server = names_of(made / "server.pem")
    assert server.get_values_for_type(x509.DNSName) == ["localhost", "genesis.example.org"]
    assert server.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(one) for one in ("127.0.0.1", "10.1.2.3", "::1")]
    [admin] = names_of(made / "admin.pem").get_values_for_type(x509.UniformResourceIdentifier)
    assert f'name = "{admin}"' in (made / "identities.toml").read_text("utf-8")
    authority = x509.load_pem_x509_certificate((made / "ca.pem").read_bytes())
    for name in ("server.pem", "admin.pem"):
        x509.load_pem_x509_certificate((made / name).read_bytes()).verify_directly_issued_by(authority)


def test_keys_are_for_nobody_else_and_never_overwritten(tmp_path: Path) -> None:
    """A second run changes nothing and says what to do, also when the authority's key is kept elsewhere."""
    make(tmp_path / "made")
    keys = {path: path.read_bytes() for path in (tmp_path / "made").glob("*.key")}
    assert len(keys) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    again = make(tmp_path / "made")
    assert again.returncode == 1
    assert "name another folder" in again.stderr
    assert {path: path.read_bytes() for path in keys} == keys
    (tmp_path / "made" / "ca.key").unlink()
    assert make(tmp_path / "made").returncode == 1


def test_what_openssl_cannot_make_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = make(tmp_path / "made", "not a name,really")
    assert done.returncode == 1
    assert "could not make server.pem" in done.stderr
    assert list((tmp_path / "made").iterdir()) == []


def test_shellcheck_finds_nothing() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
