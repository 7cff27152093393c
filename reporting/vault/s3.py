"""The vault on S3-compatible storage: the same objects as on disk.

An object of up to 8 MiB is one put, a larger one a multipart upload. It appears when that is
completed, and not before; the service's answer to this call is its promise of durability. The call
is conditional (`If-None-Match: *`), so that no object is ever written over another.
Credentials come from the standard file named by AWS_SHARED_CREDENTIALS_FILE.
"""

from __future__ import annotations

import functools
import io
import sys
from io import BufferedReader
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from reporting.vault.store import VaultFull, check_name

_PART = 8 * 1024**2  # S3 takes parts from 5 MiB; one part is about one segment
_NEW = {"IfNoneMatch": "*"}


@functools.cache
def _client(endpoint: str) -> Any:
    """One for each endpoint: making one takes tens of milliseconds, and threads may share it."""
    return boto3.client("s3", endpoint_url=endpoint or None)


class _StagedUpload:
    """Parts are sent while they come; `keep` completes, `discard` aborts."""

    def __init__(self, client: Any, bucket: str, name: str) -> None:
        self._client, self._where = client, {"Bucket": bucket, "Key": name}
        self._buffer = bytearray()
        self._parts: list[dict[str, Any]] = []
        self._upload: str | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._buffer += data
        if len(self._buffer) >= _PART:
            self._send_part()

    def keep(self) -> None:
        """Raises VaultFull, and FileExistsError where the name is in use."""
        if self._upload is None:
            self._call("put_object", Body=bytes(self._buffer), **_NEW)
            return
        if self._buffer:
            self._send_part()
        self._call(
            "complete_multipart_upload",
            UploadId=self._upload,
            MultipartUpload={"Parts": self._parts},
            **_NEW,
        )
        self._upload = None

    def discard(self) -> None:
        if self._upload:
            self._call("abort_multipart_upload", UploadId=self._upload)
            self._upload = None
        self._buffer.clear()

    def _send_part(self) -> None:
        if self._upload is None:
            self._upload = self._call("create_multipart_upload")["UploadId"]
        number = len(self._parts) + 1
        answer = self._call(
            "upload_part", UploadId=self._upload, PartNumber=number, Body=bytes(self._buffer)
        )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self._buffer.clear()

    def _call(self, method: str, **options: Any) -> Any:
        try:
            return getattr(self._client, method)(**self._where, **options)
        except (BotoCoreError, ClientError) as error:
            answer = getattr(error, "response", {})
            if answer.get("Error", {}).get("Code") == "PreconditionFailed":
                raise FileExistsError(self._where["Key"]) from error
            raise VaultFull(f"the object storage did not take it: {error}") from error


class _Body(io.RawIOBase):
    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._body.close()
        super().close()


class S3Store:
    def __init__(self, bucket: str, *, endpoint: str) -> None:
        self._bucket = bucket
        self._client = _client(endpoint)

    def free_bytes(self) -> int:
        return sys.maxsize

    def stage(self, name: str) -> _StagedUpload:
        """A name in use shows when the object is kept."""
        check_name(name)
        return _StagedUpload(self._client, self._bucket, name)

    def open(self, name: str) -> BufferedReader:
        """Raises FileNotFoundError."""
        check_name(name)
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=name)["Body"]
        except self._client.exceptions.NoSuchKey:
            raise FileNotFoundError(name) from None
        return BufferedReader(_Body(body), 1024**2)

    def remove(self, name: str) -> None:
        check_name(name)
        self._client.delete_object(Bucket=self._bucket, Key=name)

    def names(self) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))
