"""No object on S3-compatible storage is ever written over another.

moto answers `If-None-Match` for one put, and ignores it when a multipart upload is completed; for
that call the test looks at the request.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from reporting.vault import s3
from reporting.vault.store import VaultFull

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NAME = "0123456789abcdef"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[s3.S3Store]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    bucket = f"vault-{secrets.token_hex(8)}"  # moto keeps buckets as long as the process lives
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket=bucket)
    yield s3.S3Store(bucket, endpoint=address)
    server.stop()


def test_a_name_in_use_is_refused_and_the_first_object_stays(store: s3.S3Store) -> None:
    first, second = store.stage(NAME), store.stage(NAME)
    first.write(b"first")
    second.write(b"second")
    first.keep()
    with pytest.raises(FileExistsError):
        second.keep()
    second.discard()
    assert store.open(NAME).read() == b"first"


def test_a_name_that_only_begins_alike_is_free(store: s3.S3Store) -> None:
    for name in (f"{NAME}0", NAME):
        staged = store.stage(name)
        staged.write(b"x")
        staged.keep()
    assert store.names() == [NAME, f"{NAME}0"]


class _Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, method: str) -> Any:
        def call(**options: Any) -> dict[str, str]:
            self.calls.append((method, options))
            return {"UploadId": "u", "ETag": "e"}

        return call


@pytest.mark.parametrize(
    "size, method", [(5, "put_object"), (s3._PART + 1, "complete_multipart_upload")]
)
def test_what_makes_an_object_appear_is_conditional(size: int, method: str) -> None:
    recorder = _Recorder()
    staged = s3._StagedUpload(recorder, "vault", NAME)
    staged.write(memoryview(bytes(size)))
    staged.keep()
    last, options = recorder.calls[-1]
    assert last == method
    assert options["IfNoneMatch"] == "*"


def test_one_client_serves_all_stores_of_an_endpoint(store: s3.S3Store) -> None:
    address = store._client.meta.endpoint_url
    assert s3.S3Store("other", endpoint=address)._client is store._client
    with pytest.raises(VaultFull):
        s3.S3Store("gone", endpoint=address).stage(NAME).keep()
