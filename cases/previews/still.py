"""The program that runs inside the sandbox: bytes on stdin, a PNG of at most 1600 pixels a side on
stdout. Exit 3: not a picture that it draws. It imports only the
standard library and Pillow."""

from __future__ import annotations

import io
import sys
import warnings

from PIL import Image, ImageOps

_SIDE = 1600
_PIXELS = 80_000_000
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def main() -> int:
    warnings.simplefilter("error")
    Image.MAX_IMAGE_PIXELS = _PIXELS
    try:
        with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=_FORMATS) as untrusted_picture:
            untrusted_picture.draft("RGB", (_SIDE, _SIDE))
            still = ImageOps.exif_transpose(untrusted_picture).convert("RGB")
    except Exception:  # any way in which hostile bytes fail is the same answer
        return 3
    still.thumbnail((_SIDE, _SIDE))
    still.save(sys.stdout.buffer, "PNG")
    return 0


if __name__ == "__main__":
    sys.exit(main())
