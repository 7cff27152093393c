"""The vault on S3-compatible storage, against a local S3 server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from reporting import evidence, intake, on_record
from reporting.actors import job
from reporting.models import EvidenceItem
from reporting.sessions import Visit
from reporting.vault.store import VaultFull
from tests import factories

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def bucket(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings.VAULT_S3_ENDPOINT = f"http://{host}:{port}"
    settings.VAULT_S3_BUCKET = "vault"
    boto3.client("s3", endpoint_url=settings.VAULT_S3_ENDPOINT).create_bucket(Bucket="vault")
    yield "vault"
    server.stop()


def opened(visit: Visit) -> bytes:
    (entry,) = on_record.of(visit.report.pk, visit.secret).items
    return b"".join(evidence.open_sealed(entry, visit.secret))


@pytest.mark.parametrize("size", [0, 5, 20 * 1024**2])
def test_a_file_comes_back_byte_for_byte_and_is_verified_without_a_key(
    bucket: str, size: int
) -> None:
    data = os.urandom(size)
    visit = factories.draft()
    item = factories.file(visit, data)
    assert opened(visit) == data
    assert evidence.verify(item, by=job("verify"))
    assert evidence.store().names() == [item.vault_name]
    evidence.remove_from_draft(visit, item.pk)
    assert evidence.store().names() == []


def test_an_interrupted_file_leaves_nothing(bucket: str) -> None:
    visit = factories.draft()
    group = intake.open_file_group(visit, "yes")

    def interrupted() -> Iterator[bytes]:
        yield os.urandom(17 * 1024**2)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        intake.add_file(visit, group, "x", interrupted())
    assert evidence.store().names() == []
    assert not EvidenceItem.objects.exists()


def test_an_unavailable_service_raises_vault_full(bucket: str, settings: Any) -> None:
    staged = evidence.store().stage("0123456789abcdef")
    boto3.client("s3", endpoint_url=settings.VAULT_S3_ENDPOINT).delete_bucket(Bucket="vault")
    with pytest.raises(VaultFull):
        staged.write(os.urandom(9 * 1024**2))


def test_a_changed_object_is_found(bucket: str, settings: Any) -> None:
    visit = factories.draft()
    item = factories.file(visit, b"x" * 1000)
    client = boto3.client("s3", endpoint_url=settings.VAULT_S3_ENDPOINT)
    client.put_object(Bucket="vault", Key=item.vault_name, Body=b"other")
    assert not evidence.verify(item, by=job("verify"))
    with pytest.raises(evidence.NotOpenable):
        opened(visit)
