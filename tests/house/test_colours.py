"""Every text reads at 4.5:1 and every edge at 3:1, on every surface, by day and in the dark."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOKENS = ROOT / "reporting/static/reporting/tokens.css"
REFUSED = ROOT / "templates/refused/style.css"
SHEETS = (ROOT / "reporting/static/reporting/style.css", ROOT / "cases/static/cases/style.css")

SURFACES = ("paper", "card", "sunk", "kelp-wash", "care-wash", "danger-wash")
TEXTS = ("ink", "soft", "kelp", "care", "due", "danger")
READ = [*product(TEXTS, SURFACES), ("on-kelp", "kelp"), ("on-kelp", "kelp-deep")]
READ += [("on-leave", "leave"), ("card", "danger")]
SEEN = [*product(("edge", "kelp", "care", "danger"), SURFACES[:3])]


def _colours(sheet: Path) -> dict[str, dict[str, str]]:
    day, _media, dark = sheet.read_text().partition("@media (prefers-color-scheme: dark)")
    given = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")
    by_day = dict(given.findall(day))
    return {"day": by_day, "dark": by_day | dict(given.findall(dark))}


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("light", ["day", "dark"])
def test_every_text_and_edge_stands_out(light: str) -> None:
    colours = _colours(TOKENS)[light]
    poor = {
        (front, behind): round(ratio, 2)
        for pairs, least in ((READ, 4.5), (SEEN, 3.0))
        for front, behind in pairs
        if (ratio := _contrast(colours[front], colours[behind])) < least
    }
    assert poor == {}
    rings = [colours["ring-in"], colours["ring-out"]]
    for surface in SURFACES:
        assert max(_contrast(ring, colours[surface]) for ring in rings) >= 3


def test_contrast_is_counted_as_wcag_does() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("light", ["day", "dark"])
def test_the_page_that_carries_its_own_style_has_the_same_colours(light: str) -> None:
    own, shared = _colours(REFUSED)[light], _colours(TOKENS)[light]
    assert len(own) > 5
    assert own.items() <= shared.items()


def test_the_sheets_name_no_colour_of_their_own() -> None:
    named = set(re.findall(r"--([a-z-]+):", TOKENS.read_text()))
    for sheet in SHEETS:
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", text), sheet.name
        assert set(re.findall(r"var\(--([a-z-]+)\)", text)) <= named
