"""Django's own upload handling refuses everything: it would spool a file to disk in the clear."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler


class FilesNotTakenHere(SuspiciousOperation):
    """A file arrived at a page that takes none; Django answers 400."""


class RefuseFiles(FileUploadHandler):
    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise FilesNotTakenHere

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        raise FilesNotTakenHere

    def file_complete(self, file_size: int) -> None:
        raise FilesNotTakenHere
