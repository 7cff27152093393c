"""What a package says of itself: the fields of bag-info.txt, one line each. verify.sh makes the
file anew from the record and compares."""

from __future__ import annotations

from cases.exports.material import Material
from cases.exports.readable import readable


def info(material: Material) -> dict[str, str]:
    """Field → value, without what is empty; Payload-Oxum is added once the payload is written."""
    partner_key = material.referral.partner_key
    fields = {
        "External-Identifier": material.name,
        "Source-Organization": material.operator,
        "Recipient": partner_key.partner.name if partner_key else "",
        "Recipient-Identifier": partner_key.partner_id if partner_key else "",
        "Legal-Basis": material.basis,
        "Export-Profile": material.referral.profile,
        "Bagging-Date": f"{material.built_at:%Y-%m-%d}",
    }
    # A line break would start a new field.
    return {name: _one_line(value) for name, value in fields.items() if value}


def _one_line(value: str) -> str:
    return readable(value.replace("\r\n", " ").replace("\r", " ").replace("\n", " "))
