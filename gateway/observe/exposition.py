"""Adapter: the numbers of every worker, added up and written as Prometheus reads them.

Each worker keeps its own in memory and leaves a copy of them in a directory that is this run's alone, once a
second and at its end; whichever worker is asked adds up what it finds there. What a worker that ended had
counted is kept in one further file, so that no counter ever falls and the directory does not grow.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from gateway.observe import metrics
from gateway.observe.metrics import BOUNDS, METRICS, Kind, Labels, Snapshot, Tally

LEAVE_EVERY: Final = 1.0
"""Seconds between two copies."""

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a directory of our own within, that only this user enters
_ENDED: Final = "ended.json"


def new_directory() -> Path:
    """A directory that only this user enters; in memory where the system has such a place."""
    where = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="gateway-metrics-", dir=where))


def remove_directory(directory: Path) -> None:
    """Remove it with everything in it."""
    shutil.rmtree(directory, ignore_errors=True)


def bury(directory: Path, pid: int) -> None:
    """Keep what a worker that has ended had counted, and nothing else of it."""
    of_worker, ended = directory / f"{pid}.json", directory / _ENDED
    total, last = _read(ended) or Snapshot(), _read(of_worker)
    if last is not None:
        total.add(last, alive=False)
        _write(ended, total)
        of_worker.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """The numbers of this process and of those beside it.

    Args:
        tally: what this process counts.
        sampled: reads what is not counted but looked at, such as how many streams are open.
        directory: where the copies are; None for one process alone.
        pid: this process's id.
    """

    tally: Tally
    sampled: Callable[[], Iterable[tuple[metrics.Metric, Labels, float]]]
    directory: Path | None = None
    pid: int = 0

    def snapshot(self) -> Snapshot:
        """This process's numbers."""
        values = self.tally.values()
        for metric, labels, number in self.sampled():
            key = (metric.value, labels)
            match METRICS[metric].kind:
                case Kind.LEAST:
                    values[key] = min(values.get(key, number), number)
                case _:
                    values[key] = values.get(key, 0) + number
        return Snapshot(values, {app or "": list(times) for app, times in self.tally.durations.items()})

    def leave(self) -> None:
        """Leave a copy for the others."""
        if self.directory is not None:
            _write(self.directory / f"{self.pid}.json", self.snapshot())

    def total(self) -> Snapshot:
        """The numbers of all processes."""
        total = self.snapshot()
        if self.directory is not None:
            own = f"{self.pid}.json"
            for path in sorted(self.directory.glob("*.json")):
                other = None if path.name == own else _read(path)
                if other is not None:
                    total.add(other, alive=path.name != _ENDED)
        return total

    def text(self, accept: str | None) -> tuple[bytes, str]:
        """What a scraper gets, and its media type.

        Args:
            accept: the forms that it reads, as in `Accept`.
        """
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Once(self.total()))
        encode, media_type = choose_encoder(accept or "")
        return encode(registry), media_type


class _Once(Collector):
    """Numbers in prometheus-client's form."""

    def __init__(self, total: Snapshot) -> None:
        self._total = total

    def collect(self) -> Iterator[Metric]:
        """Each metric with its numbers."""
        for metric, described in METRICS.items():
            counts = described.kind is Kind.COUNTER
            made = CounterMetricFamily if counts else GaugeMetricFamily
            family = made(metric.value, described.about, labels=described.labels)
            for (name, labels), number in sorted(self._total.values.items()):
                if name == metric.value:
                    family.add_metric(labels, number)
            yield family
        durations = HistogramMetricFamily(metrics.DURATIONS, metrics.DURATIONS_ABOUT, labels=("app",))
        for app, (*numbers, seconds) in sorted(self._total.durations.items()):
            reached, buckets = 0.0, []
            for bound, number in zip((*map(str, BOUNDS), "+Inf"), numbers, strict=True):
                reached += number
                buckets.append((bound, reached))
            durations.add_metric((app,), buckets, seconds)
        yield durations


def _write(path: Path, snapshot: Snapshot) -> None:
    """All or nothing: whoever reads meanwhile finds the copy before this one."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(snapshot.written()), "utf-8")
    new.replace(path)


def _read(path: Path) -> Snapshot | None:
    try:
        return Snapshot.read(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
