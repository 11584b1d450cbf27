"""The one colour that an administrator may choose, and what follows from it: shades that can be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.web.assets import Asset

COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
"""A colour as it is written: nothing else ever becomes part of a style."""

LEAST_CONTRAST: Final = 4.5  # WCAG 2.2, 1.4.3

# What links and buttons stand on in the neutral theme, which a test holds together with its style.
LIGHT_BEHIND: Final = ("#ffffff", "#f4f5fa")
DARK_BEHIND: Final = ("#1b1d29", "#14152a")
_WHITE: Final = (255, 255, 255)
_BLACK: Final = (0, 0, 0)


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def _mixed(colour: str, other: tuple[int, int, int], share: float) -> str:
    mixed = (round(a + (b - a) * share) for a, b in zip(_channels(colour), other, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [channel / 255 for channel in _channels(colour)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)  # noqa: PLR2004 - as WCAG writes it
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """How far two colours stand apart, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _readable(colour: str, behind: tuple[str, ...]) -> bool:
    return all(contrast(colour, other) >= LEAST_CONTRAST for other in behind)


def readable_on_light(colour: str) -> bool:
    """Tell whether the colour can be read on the light pages, and white on it."""
    return _readable(colour, LIGHT_BEHIND)


@dataclass(frozen=True, slots=True)
class Accent:
    """The colour of links and buttons.

    Args:
        light: on light pages; what `readable_on_light` tells is true of.
    """

    light: str

    @property
    def dark(self) -> str:
        """The nearest lighter shade that can be read on dark pages."""
        return _first_of(lambda share: _mixed(self.light, _WHITE, share))

    @property
    def style(self) -> Asset:
        """The style that puts it in the place of the theme's."""
        light, dark = self.light, self.dark
        text = (
            f":root{{--accent:{light};--accent-hover:{_mixed(light, _BLACK, 0.3)};--focus:{light}}}\n"
            "@media (prefers-color-scheme:dark){"
            f":root{{--accent:{dark};--accent-hover:{_mixed(dark, _WHITE, 0.3)};--focus:{dark}}}}}\n"
        )
        return Asset("accent.css", text.encode())


def _first_of(shade: Callable[[float], str]) -> str:
    return next(colour for step in range(21) if _readable(colour := shade(step / 20), DARK_BEHIND))
