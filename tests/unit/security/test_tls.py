"""Certificate files are checked for what people get wrong, and taken again when they change as a whole."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key

from genesis_server.security.tls import TlsFiles, TlsMaterial

YEAR = 366 * 86_400


def files(certificate: Path, key: Path, client_ca: Path | None = None, now: float | None = None) -> TlsFiles:
    return TlsFiles(certificate, key, client_ca, now=lambda: time.time() if now is None else now)


def replace(old: Path, new: Path) -> None:
    """Put a file in another's place, as certificate managers do."""
    shutil.copy(new, old.with_suffix(".new"))
    old.with_suffix(".new").rename(old)


def test_good_files_are_read(ca: Any) -> None:
    certificate, key = ca.issue("server")
    made = files(certificate, key, ca.path)
    assert made.current.certificate_chain == certificate.read_bytes()
    assert made.current.private_key == key.read_bytes()
    assert made.current.client_ca == ca.path.read_bytes()
    assert files(certificate, key).current.client_ca is None


def test_what_is_wrong_is_told_without_the_path(ca: Any) -> None:
    certificate, key = ca.issue("server")
    _, other_key = ca.issue("other")
    locked = ca.folder / "locked.key"
    private = load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))
    nonsense = ca.folder / "nonsense"
    nonsense.write_text("nonsense")
    missing = ca.folder / "missing"
    for bad, told in [
        ((missing, key), "the server certificate cannot be read: No such file"),
        ((certificate, missing), "the private key of the server certificate cannot be read"),
        ((certificate, key, missing), "the file of client authorities cannot be read"),
        ((nonsense, key), "the server certificate is no PEM certificate"),
        ((certificate, nonsense), "is no PEM private key"),
        ((certificate, key, nonsense), "the file of client authorities is no PEM certificate"),
        ((certificate, other_key), "does not belong to the server certificate"),
        ((certificate, locked), "has a passphrase"),
    ]:
        with pytest.raises(ValueError, match=told) as caught:
            files(*bad)
        assert str(ca.folder) not in str(caught.value)


def test_an_expired_server_certificate_is_refused_at_start(ca: Any) -> None:
    certificate, key = ca.issue("server")
    with pytest.raises(ValueError, match="expired on"):
        files(certificate, key, now=time.time() + YEAR)


def test_a_renewed_pair_is_taken_and_a_half_written_one_waits(ca: Any, caplog: pytest.LogCaptureFixture) -> None:
    certificate, key = ca.issue("server")
    new_certificate, new_key = ca.issue("renewed")
    made = files(certificate, key)
    old = made.current
    assert not made.poll()
    replace(certificate, new_certificate)
    assert not made.poll()
    assert made.current is old
    assert "last good ones go on serving" in caplog.text
    caplog.clear()
    assert not made.poll()
    assert caplog.text == ""
    replace(key, new_key)
    assert made.poll()
    assert made.current.certificate_chain == new_certificate.read_bytes()
    assert not made.poll()


def test_a_file_that_was_only_touched_changes_nothing(ca: Any) -> None:
    certificate, key = ca.issue("server")
    made = files(certificate, key)
    os.utime(certificate, (1, 1))
    assert not made.poll()


def test_files_that_vanish_for_a_while_keep_the_last_good_ones(ca: Any) -> None:
    certificate, key = ca.issue("server")
    made = files(certificate, key)
    kept = certificate.rename(ca.folder / "kept")
    assert not made.poll()
    assert not made.poll()
    kept.rename(certificate)
    assert not made.poll()
    assert made.current.private_key == key.read_bytes()


def test_the_private_key_is_not_in_the_text_of_the_material() -> None:
    """Material that ends up in a message gives nothing away."""
    assert "s3cret" not in repr(TlsMaterial(b"chain", b"s3cret", None))
