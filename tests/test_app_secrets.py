"""The node's own keys: read from the named file, made once where none is named."""

import stat
from pathlib import Path

import pytest

from idnode.app_secrets import NodeSignature, node_key
from idnode.config import Settings
from idnode.lifecycle import CannotStart
from idnode.wire.typed_values.hs_pubkey import RsaPublicKey


def test_the_key_is_made_at_first_use_for_its_owner_only_and_stays(tmp_path: Path) -> None:
    key = node_key(Settings(home=tmp_path))
    path = tmp_path / "secret.key"

    assert not path.exists()
    assert len(key()) == 32
    assert node_key(Settings(home=tmp_path))() == key()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["secret.key"]


@pytest.mark.parametrize("content", [bytes(range(32)), bytes(range(32)).hex().encode() + b"\n"])
def test_a_named_file_holds_bytes_or_digits(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)

    assert node_key(Settings(secret_file=tmp_path / "key"))() == bytes(range(32))


def test_a_named_file_that_holds_no_key_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short")

    with pytest.raises(CannotStart, match="must hold 32 bytes or 64 hexadecimal digits, it holds 5 bytes"):
        node_key(Settings(secret_file=tmp_path / "key"))
    with pytest.raises(CannotStart, match="No such file"):
        node_key(Settings(secret_file=tmp_path / "none"))


def test_the_key_that_signs_answers_is_made_once_and_read_again(tmp_path: Path) -> None:
    made = NodeSignature(tmp_path).public_key()

    assert NodeSignature(tmp_path).public_key() == made
    assert isinstance(made.key, RsaPublicKey)
    assert made.key.n.bit_length() == 2_048
    assert (tmp_path / "native.key").stat().st_mode & 0o777 == 0o600


def test_a_file_without_a_signing_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "native.key").write_text("no key")

    with pytest.raises(CannotStart, match=r"cannot read the signing key from .*native\.key"):
        NodeSignature(tmp_path).sign(b"")
