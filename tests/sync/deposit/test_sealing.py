"""Sealed bytes: any change, any order but the right one, any end but the right one is noticed."""

import io
from pathlib import Path

import pytest

from idnode.sync.deposit import sealing
from idnode.sync.deposit.cipher import CIPHERS, DepositKey
from idnode.sync.deposit.errors import DepositMisconfigured, DepositRefused
from idnode.sync.deposit.sealing import Seal, SealedReader, SealedWriter

KEY = DepositKey(bytes(range(32)))
SALT = b"s" * 32
CHUNK = 16
SEALED = CHUNK + 16
PLAIN = bytes(range(40))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "CHUNK_BYTES", CHUNK)


def sealed(plain: bytes = PLAIN, *, cipher: str = "aes-256-gcm", deposit: str = "d", salt: bytes = SALT) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, Seal(cipher, KEY), deposit=deposit, salt=salt)
    for at in range(0, len(plain), 7):
        writer.write(plain[at : at + 7])
    writer.finish()
    return file.getvalue()


def opened(octets: bytes, *, key: DepositKey = KEY, deposit: str = "d") -> bytes:
    with io.BufferedReader(SealedReader(io.BytesIO(octets), key, deposit=deposit), 8) as reader:
        return reader.read()


def split(octets: bytes) -> tuple[bytes, list[bytes]]:
    """Header line and chunks."""
    head, body = octets[: octets.index(b"\n") + 1], octets[octets.index(b"\n") + 1 :]
    return head, [body[at : at + SEALED] for at in range(0, len(body), SEALED)]


@pytest.mark.parametrize("cipher", sorted(CIPHERS))
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 32, 33, 40])
def test_what_was_sealed_opens_again_at_every_size(cipher: str, size: int) -> None:
    octets = sealed(PLAIN[:size], cipher=cipher)

    assert opened(octets) == PLAIN[:size]
    assert size == 0 or PLAIN[: min(size, 8)] not in octets or size < 4


def test_any_place_can_be_read_by_itself() -> None:
    reader = SealedReader(io.BytesIO(sealed()), KEY, deposit="d")

    reader.seek(-9, io.SEEK_END)
    tail = reader.read(100)
    reader.seek(14)
    first = reader.read(4)

    assert (tail, first, reader.tell()) == (PLAIN[31:32], PLAIN[14:16], 16)


def test_every_single_changed_byte_is_noticed() -> None:
    octets = sealed()
    for place in range(len(octets)):
        changed = octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :]

        with pytest.raises(DepositRefused):
            opened(changed)
            pytest.fail(f"the change of byte {place} went unnoticed")


def test_chunks_exchanged_repeated_left_out_or_cut_off_are_noticed() -> None:
    head, (one, two, last) = split(sealed())
    forged = {
        "exchanged": [two, one, last],
        "repeated": [one, one, two, last],
        "left out": [one, last],
        "cut off": [one, two],
        "cut within": [one, two, last[:-1]],
        "ended early": [last],
        "added to": [one, two, last, last],
        "nothing": [],
    }
    for name, chunks in forged.items():
        with pytest.raises(DepositRefused):
            opened(head + b"".join(chunks))
            pytest.fail(f"{name} went unnoticed")


def test_chunks_of_another_deposit_do_not_fit() -> None:
    head, (one, _, last) = split(sealed())
    _, (_, other, _) = split(sealed(deposit="e"))

    with pytest.raises(DepositRefused, match="altered, moved, or sealed with another key"):
        opened(head + one + other + last)


def test_two_deposits_of_the_same_bytes_have_nothing_in_common() -> None:
    first, second = split(sealed())[1], split(sealed(salt=b"t" * 32))[1]

    assert not set(first) & set(second)


def test_another_deposit_and_another_key_are_told_apart() -> None:
    with pytest.raises(DepositRefused, match="these are bytes of deposit 'd', expected 'e'"):
        opened(sealed(), deposit="e")
    with pytest.raises(DepositRefused, match=r"sealed with key [0-9a-f]{16}, the key given is [0-9a-f]{16}"):
        opened(sealed(), key=DepositKey(bytes(32)))


def test_an_unknown_cipher_is_a_setting_that_is_wrong() -> None:
    with pytest.raises(DepositMisconfigured, match="there is no cipher 'rot13'; there are aes-256-gcm, sm4-gcm"):
        sealed(cipher="rot13")


@pytest.mark.parametrize("content", [bytes(range(32)), bytes(range(32)).hex().encode() + b"\n"])
def test_a_key_file_holds_bytes_or_hexadecimal_digits(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)

    assert DepositKey.read(tmp_path / "key") == KEY


def test_a_key_that_is_shown_tells_its_name_only() -> None:
    assert repr(DepositKey(b"secret" + bytes(26))) == "DepositKey(id='8188a3e4fff0dbb3')"


def test_a_key_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short")

    with pytest.raises(DepositMisconfigured, match="has 5 bytes, expected 32"):
        DepositKey.read(tmp_path / "key")
    with pytest.raises(DepositMisconfigured, match="No such file"):
        DepositKey.read(tmp_path / "absent")
