"""Keys that sign deposits, and settings with which none can be made."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from idnode.sync.deposit.destination import FolderDestination
from idnode.sync.deposit.errors import DeliveryFailed, DepositMisconfigured, DepositRefused
from idnode.sync.deposit.options import DepositOptions, destination_of
from idnode.sync.deposit.sftp import SftpDestination
from idnode.sync.deposit.signing import ManifestSigner, ManifestVerifier

PrivateKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def kept(key: PrivateKey, directory: Path) -> tuple[Path, Path]:
    """Files of the private and of the public key."""
    private, public = directory / "private.pem", directory / "public.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_what_the_private_key_signs_the_public_key_verifies(
    kind: str, rsa_key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    private, public = kept(rsa_key if kind == "rsa" else ed25519.Ed25519PrivateKey.generate(), tmp_path)
    signature = ManifestSigner.read(private).sign(b"manifest")

    ManifestVerifier.read(public).verify(b"manifest", signature)
    ManifestVerifier.read(private).verify(b"manifest", signature)

    with pytest.raises(DepositRefused, match="was altered, or signed with another key"):
        ManifestVerifier.read(public).verify(b"manifesto", signature)


def test_keys_that_are_no_use_are_refused(tmp_path: Path) -> None:
    curve, curve_public = kept(ec.generate_private_key(ec.SECP256R1()), tmp_path)
    (tmp_path / "none").write_text("-----BEGIN PRIVATE KEY-----")
    (tmp_path / "short").mkdir()
    short, _ = kept(rsa.generate_private_key(65_537, 1_024), tmp_path / "short")  # noqa: S505  # meant to be too short

    with pytest.raises(DepositMisconfigured, match="is neither an Ed25519 nor an RSA key"):
        ManifestSigner.read(curve)
    with pytest.raises(DepositMisconfigured, match="is neither an Ed25519 nor an RSA key"):
        ManifestVerifier.read(curve_public)
    with pytest.raises(DepositMisconfigured, match="is no private key in PEM without a password"):
        ManifestSigner.read(tmp_path / "none")
    with pytest.raises(DepositMisconfigured, match="has 1024 bits, at least 2048 are required"):
        ManifestSigner.read(short)
    with pytest.raises(DepositMisconfigured, match=r"cannot read .*absent: No such file"):
        ManifestVerifier.read(tmp_path / "absent")


def test_a_destination_is_a_directory_or_an_sftp_address(tmp_path: Path) -> None:
    with_files = DepositOptions("sftp://u@h/x", sftp_known_hosts=tmp_path / "known", sftp_key=tmp_path / "key")

    assert isinstance(destination_of(DepositOptions(str(tmp_path))), FolderDestination)
    assert isinstance(destination_of(with_files), SftpDestination)
    with pytest.raises(DepositMisconfigured, match="set IDNODE_DEPOSIT_DESTINATION"):
        destination_of(DepositOptions())
    with pytest.raises(DepositMisconfigured, match="deposits need IDNODE_DEPOSIT_SFTP_KNOWN_HOSTS"):
        destination_of(DepositOptions("sftp://u@h/x"))


async def test_a_directory_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    away = FolderDestination(tmp_path / "away")

    with pytest.raises(DeliveryFailed, match="did not take or give a file: No such file or directory"):
        await away.put("name", tmp_path / "file")
    with pytest.raises(DeliveryFailed):
        await away.sizes()


async def test_a_directory_shows_only_what_is_complete(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "half.draft").write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"xyz")
    folder = FolderDestination(tmp_path / "in")

    await folder.put("name", tmp_path / "file")

    assert await folder.sizes() == {"name": 3}
    assert await folder.get("name", bytes_max=2) == b"xy"
