"""What the gateway adds to the time of a small page at half of its full load, beside what nginx adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.contest import interleaved
from bench.effort import Effort
from bench.figures import Better, Target, figure, percentile
from bench.load.paced import paced_load
from bench.load.wrk import full_load
from bench.row import Measured, Row
from bench.servers.front import Front
from bench.stage import Stage

GATEWAY, NGINX, DIRECT = "gateway", "nginx", "no front"
_MILLISECONDS: Final = 1000
_TARGETS: Final = {
    0.5: Target(must=1, aim=0.3, better=Better.LESS),
    0.99: Target(must=5, aim=2, better=Better.LESS),
}


@dataclass(frozen=True, slots=True)
class _Times:
    """Milliseconds by share of the requests."""

    by_share: dict[float, float]

    def __str__(self) -> str:
        return ", ".join(f"p{share * 100:.0f} {value:.2f} ms" for share, value in self.by_share.items())


def _seconds(effort: Effort) -> float:
    return 8 + effort.rounds * 3 * (effort.paced_seconds + 0.2)


def _measure(stage: Stage) -> Measured:
    pages, effort = stage.pages(), stage.effort
    sides = {
        GATEWAY: stage.gateway(upstream=pages, redis=stage.redis()),
        NGINX: stage.nginx(upstream=pages, keep_alive=True),
        DIRECT: Front(name=DIRECT, port=pages, pid=0),
    }
    full_load(sides[GATEWAY], seconds=1)
    rate = full_load(sides[GATEWAY], seconds=effort.load_seconds).rate / 2
    seeds = iter(range(effort.rounds * len(sides)))

    def measure(front: Front) -> _Times:
        seed = next(seeds) // len(sides)  # the same moments for all sides of a round
        times = paced_load(front, rate=rate, seconds=effort.paced_seconds, seed=seed)
        return _Times({share: percentile(times, share) * _MILLISECONDS for share in _TARGETS})

    found = interleaved(stage, effort.rounds, sides, measure)

    def added(name: str, share: float) -> list[float]:
        pairs = zip(found[name], found[DIRECT], strict=True)
        return [ours.by_share[share] - theirs.by_share[share] for ours, theirs in pairs]

    return Measured(
        figures=(
            *(
                figure(f"added by the gateway, p{share * 100:.0f}", "ms", added(GATEWAY, share), target)
                for share, target in _TARGETS.items()
            ),
            *(figure(f"added by nginx, p{share * 100:.0f}", "ms", added(NGINX, share)) for share in _TARGETS),
            *(
                figure(
                    f"without a front, p{share * 100:.0f}", "ms", (t.by_share[share] for t in found[DIRECT])
                )
                for share in _TARGETS
            ),
        ),
        notes=(f"{rate:.0f} requests a second at random moments: half of the gateway's full load.",),
    )


ROW: Final = Row(
    name="latency",
    title="Added latency at half load, small page, one worker",
    seconds=_seconds,
    measure=_measure,
)
