"""How thoroughly `make fuzz` looks; the usual run takes Hypothesis's usual number of examples."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fuzz", max_examples=3_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
