"""How much is measured: everything that `--quick` shortens, in one table. Nothing is measured here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """The bounds of a run.

    Args:
        name: what the report calls it.
        rounds: of each contest; both sides are measured in each.
        load_seconds: of full load, for one side in one round.
        paced_seconds: of load at a fixed rate, for one side in one round.
        transfer_rounds: rounds of large bodies.
        transfer_octets: of one large body.
        sockets: WebSockets open at once.
        sign_ins: complete sign-ins in one round.
        sessions: in a Redis with many.
        cold_seconds: of requests of people who were not seen before, for one side in one round.
        believed_seconds: of requests of people who were, in one round; a session is believed unasked for 20.
    """

    name: str
    rounds: int
    load_seconds: int
    paced_seconds: int
    transfer_rounds: int
    transfer_octets: int
    sockets: int
    sign_ins: int
    sessions: int
    cold_seconds: int
    believed_seconds: int


FULL: Final = Effort(
    name="full",
    rounds=7,
    load_seconds=5,
    paced_seconds=6,
    transfer_rounds=5,
    transfer_octets=1024 * MEBIBYTE,
    sockets=5000,
    sign_ins=40,
    sessions=1_000_000,
    cold_seconds=2,
    believed_seconds=21,
)

QUICK: Final = Effort(
    name="quick",
    rounds=3,
    load_seconds=1,
    paced_seconds=1,
    transfer_rounds=2,
    transfer_octets=256 * MEBIBYTE,
    sockets=1000,
    sign_ins=15,
    sessions=10_000,
    cold_seconds=1,
    believed_seconds=1,
)
