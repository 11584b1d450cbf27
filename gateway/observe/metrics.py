"""What is counted: a closed list of metrics, and the tally of one process.

The path of each request costs two look-ups in a dict here and no more; what a number means to a scraper, and
how those of several processes become one, is the work of `exposition`. No value of a label comes from a
request: they are names from the settings, Reasons, Faults and classes of status.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final, TypeAlias

from gateway.errors import Fault

Labels: TypeAlias = tuple[str, ...]
Values: TypeAlias = dict[tuple[str, Labels], float]
"""Numbers by the metric's name and the values of its labels."""


class Kind(Enum):
    """How a number grows, and how those of several processes become one."""

    COUNTER = "counter"  # never shrinks; they add up, those of processes that have ended too
    SUM = "sum"  # as it is now; they add up over the processes that live
    LEAST = "least"  # as it is now; the least of the processes that live


@dataclass(frozen=True, slots=True)
class Described:
    """One metric.

    Args:
        kind: how it grows.
        about: what it says, for the people who read it.
        labels: the names of its labels.
    """

    kind: Kind
    about: str
    labels: Labels = ()


class Metric(StrEnum):
    """The closed list of metrics."""

    REQUESTS = "gateway_requests"
    UPSTREAM_ERRORS = "gateway_upstream_errors"
    SIGN_INS = "gateway_sign_ins"
    REFUSALS = "gateway_refusals"
    SESSIONS_ENDED = "gateway_sessions_ended"
    STORE_ERRORS = "gateway_store_errors"
    CACHE_HITS = "gateway_session_cache_hits"
    CACHE_MISSES = "gateway_session_cache_misses"
    CACHE_STALE = "gateway_session_cache_stale"
    CACHE_EVICTIONS = "gateway_session_cache_evictions"
    OPEN_STREAMS = "gateway_open_streams"
    OPEN_TUNNELS = "gateway_open_tunnels"
    UPSTREAM_CONNECTIONS = "gateway_upstream_connections"
    PROVIDER_READY = "gateway_provider_ready"
    WORKERS = "gateway_workers"


METRICS: Final[Mapping[Metric, Described]] = {
    Metric.REQUESTS: Described(Kind.COUNTER, "Requests answered.", ("app", "decision", "status")),
    Metric.UPSTREAM_ERRORS: Described(
        Kind.COUNTER, "Requests whose application did not answer as it should.", ("app", "fault")
    ),
    Metric.SIGN_INS: Described(Kind.COUNTER, "Sign-ins.", ("app", "provider")),
    Metric.REFUSALS: Described(
        Kind.COUNTER, "People, sign-ins and tokens refused, by what was refused.", ("event", "app", "why")
    ),
    Metric.SESSIONS_ENDED: Described(Kind.COUNTER, "Sessions ended before their time.", ("event",)),
    Metric.STORE_ERRORS: Described(Kind.COUNTER, "Questions that the session store did not answer."),
    Metric.CACHE_HITS: Described(Kind.COUNTER, "Sessions found in memory."),
    Metric.CACHE_MISSES: Described(Kind.COUNTER, "Sessions asked of the store."),
    Metric.CACHE_STALE: Described(Kind.COUNTER, "Sessions that went on while the store did not answer."),
    Metric.CACHE_EVICTIONS: Described(Kind.COUNTER, "Sessions forgotten for want of room."),
    Metric.OPEN_STREAMS: Described(Kind.SUM, "Answers and tunnels that are open."),
    Metric.OPEN_TUNNELS: Described(Kind.SUM, "WebSockets and other tunnels that are open.", ("app",)),
    Metric.UPSTREAM_CONNECTIONS: Described(Kind.SUM, "Connections to applications.", ("app",)),
    Metric.PROVIDER_READY: Described(
        Kind.LEAST, "Whether people can sign in with the provider: 1 or 0.", ("provider",)
    ),
    Metric.WORKERS: Described(Kind.SUM, "Processes that answer."),
}

DURATIONS: Final = "gateway_request_duration_seconds"
DURATIONS_ABOUT: Final = "Time from a request's head to the end of its answer, by app."
BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Upper bounds of the buckets, in seconds; there is one more for all beyond."""

_UPSTREAM_FAULTS: Final = frozenset(fault.value for fault in Fault if fault.value.startswith("upstream-"))


@dataclass(slots=True)
class Tally:
    """What one process has counted.

    Attributes:
        counts: the counters, but for those made of `requests`.
        requests: how many, by app, decision and status.
        durations: for each app the numbers of its buckets, and then the sum of the times.
    """

    counts: Values = field(default_factory=dict)
    requests: dict[tuple[str | None, str | None, int], int] = field(default_factory=dict)
    durations: dict[str | None, list[float]] = field(default_factory=dict)

    def request(self, app: str | None, decision: str | None, status: int, seconds: float) -> None:
        """Count one request.

        Args:
            app: the app's name in the settings, None when none answers at its host.
            decision: the Reason or Fault that ended it.
            status: of its answer.
            seconds: it took.
        """
        key = (app, decision, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        times = self.durations.get(app)
        if times is None:
            times = self.durations[app] = [0.0] * (len(BOUNDS) + 2)
        times[bisect_left(BOUNDS, seconds)] += 1
        times[-1] += seconds

    def count(self, metric: Metric, *labels: str) -> None:
        """Count one of anything else."""
        key = (metric.value, labels)
        self.counts[key] = self.counts.get(key, 0) + 1

    def audited(self, event: str, said: Mapping[str, Any]) -> None:
        """Count what an audit event says."""
        app = str(said.get("app", ""))
        if event == "sign-in":
            self.count(Metric.SIGN_INS, app, str(said.get("provider", "")))
        elif event.endswith("-refused"):
            self.count(Metric.REFUSALS, event, app, str(said.get("fault") or said.get("reason") or ""))
        elif event in {"sign-out", "session-ended"}:
            self.count(Metric.SESSIONS_ENDED, event)

    def values(self) -> Values:
        """The counters as they are now."""
        values = dict(self.counts)
        for key, number in self._of_requests():
            values[key] = values.get(key, 0) + number
        return values

    def _of_requests(self) -> Iterator[tuple[tuple[str, Labels], int]]:
        for (app, decision, status), number in self.requests.items():
            labels = (app or "", decision or "", f"{status // 100}xx")
            yield (Metric.REQUESTS.value, labels), number
            if decision in _UPSTREAM_FAULTS:
                yield (Metric.UPSTREAM_ERRORS.value, (app or "", decision)), number
            elif decision == Fault.STORE_UNREACHABLE.value:
                yield (Metric.STORE_ERRORS.value, ()), number


@dataclass(slots=True)
class Snapshot:
    """The numbers of one process, or of several that were added up.

    Args:
        values: by metric and labels.
        durations: as in `Tally`, by app.
    """

    values: Values = field(default_factory=dict)
    durations: dict[str, list[float]] = field(default_factory=dict)

    def add(self, other: Snapshot, *, alive: bool = True) -> None:
        """Add those of another process.

        Args:
            other: its numbers.
            alive: whether it still runs; only its counters count when it does not.
        """
        for key, number in other.values.items():
            match METRICS[Metric(key[0])].kind:
                case Kind.COUNTER:
                    self.values[key] = self.values.get(key, 0) + number
                case Kind.SUM if alive:
                    self.values[key] = self.values.get(key, 0) + number
                case Kind.LEAST if alive:
                    self.values[key] = min(self.values.get(key, number), number)
                case _:
                    pass
        for app, times in other.durations.items():
            mine = self.durations.get(app, [0.0] * len(times))
            self.durations[app] = [one + more for one, more in zip(mine, times, strict=True)]

    def written(self) -> dict[str, Any]:
        """In a form that JSON has."""
        return {
            "values": [[name, list(labels), number] for (name, labels), number in self.values.items()],
            "durations": self.durations,
        }

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Snapshot:
        """Out of that form."""
        values = {(name, tuple(labels)): number for name, labels, number in written["values"]}
        return cls(values, written["durations"])
