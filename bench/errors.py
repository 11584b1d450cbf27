"""The one error of the bench."""

from __future__ import annotations


class CannotMeasureError(Exception):
    """Something cannot be measured, or what was measured is not what was meant; the text says why."""
