"""Forms as phones and programs really send them: names missing, in other encodings, in pieces."""

from __future__ import annotations

from pathlib import Path

import pytest

from reporting.vault import keys, reader, store, upload

VECTORS = Path(__file__).parent.parent / "vectors" / "forms"
PLAIN = "multipart/form-data; boundary=XX"


class Received:
    def __init__(self, folder: Path) -> None:
        self.disk = store.DiskStore(folder / "disk", floor=0)
        self.secret = keys.new_secret()
        self.files: list[tuple[str, bytes]] = []

    def take(self, body: bytes, *, content_type: str = PLAIN, piece: int = 1 << 20) -> None:
        form = upload.FormStream(
            content_type,
            store=self.disk,
            public_key=keys.public_key_of(self.secret),
            limit=1 << 20,
            arrived=self._open,
        )
        for start in range(0, len(body), piece):
            form.feed(body[start : start + piece])
        form.close()

    def _open(self, arrived: upload.Arrived) -> None:
        with self.disk.open(arrived.vault_name) as source:
            plain = b"".join(reader.open_segments(source, self.secret, arrived.sealed))
        self.files.append((arrived.untrusted_file_name, plain))


@pytest.fixture
def received(tmp_path: Path) -> Received:
    return Received(tmp_path)


@pytest.mark.parametrize("piece", [1, 64, 1 << 20])
@pytest.mark.parametrize(
    "file, names",
    [
        ("empty-filename", ["unnamed"]),
        ("no-filename", ["unnamed"]),
        ("one-named-one-not", ["named.jpg", "unnamed"]),
        ("only-filename-star", ["写真.jpg"]),
        ("latin1", ["café.jpg", "good.jpg"]),
    ],
)
def test_a_file_is_kept_whatever_its_name_is(
    received: Received, file: str, names: list[str], piece: int
) -> None:
    body = (VECTORS / f"{file}.body").read_bytes()
    received.take(body, piece=piece)
    assert [name for name, _ in received.files] == names
    for _, plain in received.files:
        assert plain
        assert plain in body
        assert b"--XX" not in plain


def _part(disposition: bytes, content: bytes = b"bytes") -> bytes:
    return (
        b"--XX\r\nContent-Disposition: form-data; " + disposition + b"\r\n\r\n" + content + b"\r\n"
    )


@pytest.mark.parametrize(
    "disposition, name",
    [
        ('filename="صورة.jpg"'.encode(), "صورة.jpg"),
        (b'filename="\xff\xfe\x81.jpg"', "ÿþ\x81.jpg"),
        (b"filename*=iso-8859-1''caf%E9.jpg", "café.jpg"),
        (b"filename*=klingon''caf%E9.jpg", "café.jpg"),
        (b"filename*=UTF-8''", "unnamed"),
        (b"filename=\"a.jpg\"; filename*=UTF-8''b.jpg", "a.jpg"),
        (b'filename="' + b"n" * 5000 + b'"', "n" * 255),
        (b'filename=plain.jpg; size="7"', "plain.jpg"),
    ],
)
def test_a_name_in_any_encoding_is_kept(received: Received, disposition: bytes, name: str) -> None:
    received.take(_part(b'name="files"; ' + disposition) + b"--XX--\r\n")
    assert received.files == [(name, b"bytes")]


def test_only_a_field_without_name_and_bytes_is_no_file(received: Received) -> None:
    body = _part(b'name="files"; filename=""', b"") + _part(b'name="files"; filename="e"', b"")
    received.take(body + _part(b'name="other"; filename="o.jpg"') + b"--XX--\r\n")
    assert received.files == [("e", b"")]
    assert len(received.disk.names()) == 1


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=XX",
        'Multipart/Form-Data; charset=utf-8; Boundary="XX"',
        "multipart/form-data;boundary = XX",
    ],
)
def test_the_boundary_is_found_however_it_is_written(received: Received, content_type: str) -> None:
    received.take(_part(b'name="files"; filename="a"') + b"--XX--\r\n", content_type=content_type)
    assert [name for name, _ in received.files] == ["a"]


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain; boundary=XX", "multipart/form-data", "multipart/form-data; boundary="],
)
def test_what_is_no_form_is_refused(received: Received, content_type: str) -> None:
    with pytest.raises(upload.NotAForm):
        received.take(b"", content_type=content_type)


def test_a_body_that_ends_inside_a_file_is_refused(received: Received) -> None:
    with pytest.raises(upload.NotAForm):
        received.take(_part(b'name="files"; filename="a"')[:-2])
    assert received.disk.names() == []
