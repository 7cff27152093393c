"""The partner door."""

from __future__ import annotations

from django.urls import path

from cases.partner import ledger, screens, scripts

app_name = "partner"
urlpatterns = [
    path("", screens.start, name="start"),
    path("package/", screens.package, name="package"),
    path("package/collect/", screens.collect, name="collect"),
    path("verify.sh", scripts.script, {"name": "verify.sh"}, name="verify"),
    path(
        "verify-receipt.sh",
        scripts.script,
        {"name": "verify-receipt.sh"},
        name="verify_receipt",
    ),
    path("ledger/checkpoint", ledger.checkpoint, name="checkpoint"),
    path("ledger/tile/<path:path>", ledger.tile, name="tile"),
    path("ledger/inclusion", ledger.inclusion, name="inclusion"),
    path("ledger/consistency", ledger.consistency, name="consistency"),
    path("ledger/key", ledger.key, name="ledger_key"),
    path("ledger/key.pem", ledger.key_pem, name="ledger_key_pem"),
]
