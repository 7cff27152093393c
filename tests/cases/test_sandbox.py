"""The preview sandbox: hostile bytes end as a picture or a refusal, without network or files."""

from __future__ import annotations

import io
import random
import socket
import subprocess
import sys

import pytest
from django.conf import settings
from PIL import Image

from cases.operations.seed import photo
from cases.previews import sandbox
from tests.conftest import count


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n" + b"x" * 99,
    ],
)
def test_bytes_that_are_no_picture_are_refused(hostile: bytes) -> None:
    with pytest.raises(sandbox.NotShown):
        sandbox.still(hostile)


def test_a_picture_that_needs_too_much_memory_is_refused() -> None:
    out = io.BytesIO()
    Image.new("1", (60_000, 60_000)).save(out, "PNG")
    with pytest.raises(sandbox.NotShown):
        sandbox.still(out.getvalue())


def test_a_mutated_picture_gives_a_picture_or_a_refusal() -> None:
    chance, good = random.Random(1), photo("x")
    for _ in range(count(300, 6)):
        mutant = bytearray(good)
        for _ in range(40):
            mutant[chance.randrange(len(mutant))] = chance.randrange(256)
        try:
            assert sandbox.still(bytes(mutant)).startswith(b"\x89PNG")
        except sandbox.NotShown:
            continue


def test_the_sandbox_has_no_network_and_none_of_our_files() -> None:
    wall = sandbox._wall()
    assert wall is not None
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        probe = (
            "import socket, os\n"
            f"try: socket.create_connection(('127.0.0.1', {port}), 1); print('reached')\n"
            "except OSError: print('shut')\n"
            f"print(os.path.exists({str(settings.CA_CERTIFICATE_FILE)!r}))"
        )
        done = subprocess.run(
            [*wall, sys.executable, "-I", "-c", probe],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split()[0] == "shut"
    if wall[0] == "bwrap":
        assert done.stdout.split()[1] == "False"
