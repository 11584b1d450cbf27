from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from gateway.observe.exposition import Exposition, bury, new_directory, remove_directory
from gateway.observe.metrics import METRICS, Metric, Tally


def worker(directory: Path | None, pid: int, *, streams: int = 1, ready: int = 1) -> Exposition:
    def sampled() -> Iterator[tuple[Metric, tuple[str, ...], float]]:
        yield Metric.OPEN_STREAMS, (), streams
        yield Metric.OPEN_TUNNELS, ("a",), streams
        yield Metric.OPEN_TUNNELS, ("a",), streams  # an app may have two upstreams
        yield Metric.PROVIDER_READY, ("default",), ready
        yield Metric.CACHE_HITS, (), 10

    return Exposition(tally=Tally(), sampled=sampled, directory=directory, pid=pid)


def samples(exposition: Exposition) -> dict[str, float]:
    text, _ = exposition.text(None)
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in prometheus(text.decode())
        for sample in family.samples
    }


def test_one_process_alone_says_what_it_counted_and_what_it_sees() -> None:
    exposition = worker(None, 1)
    exposition.tally.request("a", "public", 200, 0.003)
    exposition.leave()
    said = samples(exposition)
    assert said["gateway_requests_total a public 2xx"] == 1
    assert (said["gateway_open_tunnels a"], said["gateway_session_cache_hits_total"]) == (2, 10)
    assert said["gateway_request_duration_seconds_count a"] == 1
    assert said["gateway_request_duration_seconds_sum a"] == pytest.approx(0.003)
    buckets = [said[f"gateway_request_duration_seconds_bucket a {le}"] for le in ("0.0025", "0.005", "+Inf")]
    assert buckets == [0, 1, 1]


def test_workers_add_up_whichever_is_asked(tmp_path: Path) -> None:
    one, other = worker(tmp_path, 1), worker(tmp_path, 2, streams=4, ready=0)
    for exposition in (one, other, other):
        exposition.tally.request("a", "public", 200, 0.003)
    for exposition in (one, other):
        exposition.leave()
    for exposition in (one, other):
        said = samples(exposition)
        assert said["gateway_requests_total a public 2xx"] == 3
        assert said["gateway_open_streams"] == 5
        assert said["gateway_provider_ready default"] == 0
        assert said["gateway_request_duration_seconds_count a"] == 3


def test_a_worker_that_has_ended_keeps_its_counters_and_nothing_else(tmp_path: Path) -> None:
    one = worker(tmp_path, 1)
    for pid in (2, 3):
        ended = worker(tmp_path, pid, ready=0)
        ended.tally.request("a", "public", 200, 0.003)
        ended.leave()
        bury(tmp_path, pid)
        bury(tmp_path, pid)
    bury(tmp_path, 4)
    said = samples(one)
    assert said["gateway_requests_total a public 2xx"] == 2
    assert said["gateway_session_cache_hits_total"] == 30
    assert (said["gateway_open_streams"], said["gateway_provider_ready default"]) == (1, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["ended.json"]


def test_both_forms_of_the_text_can_be_read_and_name_every_metric() -> None:
    exposition = worker(None, 1)
    exposition.tally.request('a"\\\n', "public", 200, 0.003)
    plain, plain_type = exposition.text("text/plain")
    modern, modern_type = exposition.text("application/openmetrics-text;version=1.0.0")
    assert (plain_type.split(";")[0], modern_type.split(";")[0]) == (
        "text/plain",
        "application/openmetrics-text",
    )
    modern_families = openmetrics(modern.decode())  # type: ignore[no-untyped-call]  # ships no types
    for families in (prometheus(plain.decode()), modern_families):
        assert {family.name for family in families} == {*METRICS, "gateway_request_duration_seconds"}


def test_the_directory_is_this_users_alone() -> None:
    directory = new_directory()
    assert directory.stat().st_mode & 0o077 == 0
    (directory / "1.json").write_text("{}")
    remove_directory(directory)
    assert not directory.exists()
