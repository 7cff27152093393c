"""One file per kind of harm: the reporter's words for it, what helps as evidence, the first advice,
who usually takes it on.

A new kind of harm is a neighbour copied and rewritten, and a line below.
"""

from __future__ import annotations

from reporting.harms import (
    abuse,
    catfishing,
    child_image,
    coerced_acts,
    content_extortion,
    financial_extortion,
    found_material,
    grooming,
    image_shared,
    impersonation,
    malware,
    sadistic,
    stalking,
    trafficking,
    unsolicited,
)
from reporting.harms.base import Harm

ALL: tuple[Harm, ...] = (
    financial_extortion.HARM,
    content_extortion.HARM,
    image_shared.HARM,
    coerced_acts.HARM,
    child_image.HARM,
    grooming.HARM,
    sadistic.HARM,
    trafficking.HARM,
    stalking.HARM,
    unsolicited.HARM,
    abuse.HARM,
    impersonation.HARM,
    catfishing.HARM,
    malware.HARM,
    found_material.HARM,
)
BY_CODE = {harm.code: harm for harm in ALL}
