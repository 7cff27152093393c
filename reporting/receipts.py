"""The receipt (a signed promise that a report was taken) and the way back with the return code.

A receipt is canonical JSON (RFC 8785) signed with the public door's Ed25519 key, whose certificate
the operator's CA issued. `openssl` verifies it: README.md shows how.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import rfc8785
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

from reporting import sessions
from reporting.custody import events, extract
from reporting.custody.record import founding
from reporting.models import Receipt, Report, ReturnCodeWrap
from reporting.signed import Signed
from reporting.vault import codes, keys
from reporting.vault.untrusted_json import read_object

_redeeming = codes.Desk()


class UnknownCode(Exception):
    """No report answers to this code."""


def lookup_key() -> bytes:
    return bytes.fromhex(Path(settings.LOOKUP_KEY_FILE).read_text().strip())


def issue(report: Report, recorded: Signed, *, manifest_sha256: str) -> Receipt:
    """Inside the transaction that submits. `recorded`: the event `report:submitted`, the head of
    the chain."""
    public = founding(report.id)
    body = rfc8785.dumps(
        {
            "version": 1,
            "report": report.id,
            "public_key": public.public_key,
            "signing_key": public.signing_key,
            "manifest_sha256": manifest_sha256,
            "head": {"seq": recorded.seq, "leaf": recorded.leaf},
            "at": events.as_written(recorded.at),
        }
    )
    key = load_pem_private_key(Path(settings.RECEIPT_KEY_FILE).read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return Receipt.objects.create(
        report=report,
        body=body.decode(),
        signature=key.sign(body),
        certificate=Path(settings.RECEIPT_CERTIFICATE_FILE).read_text(),
        sent=json.dumps(recorded.proof),
    )


def fault(receipt: Receipt, act: events.Event, roots: Sequence[x509.Certificate]) -> str:
    """Why a receipt is not the one that was issued for the act of sending, or an empty text. Needs
    no key of ours; `roots`: the operator's CA, empty where it is not at hand."""
    try:
        body = read_object(receipt.body)
        named = (body["report"], body["head"], body["at"])
        certificate = x509.load_pem_x509_certificate(receipt.certificate.encode())
        key = certificate.public_key()
        if not isinstance(key, Ed25519PublicKey):
            return "its receipt was signed with no receipt key"
        key.verify(bytes(receipt.signature), receipt.body.encode())
    except (InvalidSignature, UnsupportedAlgorithm, KeyError, TypeError, ValueError):
        return "its receipt is not signed"
    if named != (act.subject, {"seq": act.seq, "leaf": act.leaf}, events.as_written(act.at)):
        return "its receipt is not the one of the act that sent it"
    if roots and not any(_issued_by(certificate, root) for root in roots):
        return "its receipt's certificate is not from the operator's CA"
    return ""


def _issued_by(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def as_text(receipt: Receipt) -> str:
    """The receipt as one file to keep: blocks that `sed` and `openssl` can take apart; the last one
    once it is confirmed."""
    signature = base64.b64encode(receipt.signature).decode()
    text = (
        f"{receipt.body}\n-----BEGIN SIGNATURE-----\n{signature}\n-----END "
        f"SIGNATURE-----\n{receipt.certificate}"
    )
    return (
        f"{text}-----BEGIN PROOF-----\n{receipt.proof}-----END PROOF-----\n"
        if receipt.proof
        else text
    )


def confirm(*, limit: int = 500) -> int:
    """Add the proof of the ledger, with the row of the act of sending, to receipts whose event lies
    under a checkpoint by now; how many. For the worker."""
    waiting = Receipt.objects.filter(proof="").values_list("pk", flat=True)[:limit]
    proofs = extract.proofs(events.places(waiting, "report:submitted"), with_rows=True)
    for (report_id, _seq), proof in proofs.items():
        Receipt.objects.filter(pk=report_id).update(proof=proof)
    return len(proofs)


def taken_at(receipt: Receipt) -> str:
    return str(json.loads(receipt.body)["at"])


def redeem(code: codes.ReturnCode) -> tuple[sessions.Visit, sessions.Token]:
    """Open a report with its return code. Raises UnknownCode, codes.Busy; a swapped wrap raises
    keys.WrongKey."""
    with _redeeming.turn():
        derived = codes.derive(code)
    lookup = codes.lookup_hash(derived.lookup, lookup_key())
    row = ReturnCodeWrap.objects.select_related("report").filter(lookup=lookup).first()
    if row is None or row.report.state == Report.State.ERASED:
        raise UnknownCode
    public = founding(row.report_id)
    secret = keys.unwrap(bytes(row.wrapped), derived.secret, expected=public.public_key)
    sessions.end_all(row.report)
    return sessions.begin(row.report, secret=secret, code=code, signing_seed=derived.signing_seed)
