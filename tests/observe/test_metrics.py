from __future__ import annotations

import json

import pytest

from gateway.observe.metrics import BOUNDS, METRICS, Metric, Snapshot, Tally

REQUESTS = Metric.REQUESTS.value


def test_every_metric_is_described() -> None:
    assert set(METRICS) == set(Metric)


def test_requests_are_counted_by_app_decision_and_class_of_status() -> None:
    tally = Tally()
    for status in (200, 204, 200, 404):
        tally.request("demarches", "signed-in", status, 0.001)
    tally.request(None, "host-unknown", 421, 0.001)
    assert tally.values() == {
        (REQUESTS, ("demarches", "signed-in", "2xx")): 3,
        (REQUESTS, ("demarches", "signed-in", "4xx")): 1,
        (REQUESTS, ("", "host-unknown", "4xx")): 1,
    }


@pytest.mark.parametrize(
    "decision, metric, labels",
    [
        ("upstream-slow", Metric.UPSTREAM_ERRORS, ("demarches", "upstream-slow")),
        ("upstream-tls", Metric.UPSTREAM_ERRORS, ("demarches", "upstream-tls")),
        ("store-unreachable", Metric.STORE_ERRORS, ()),
    ],
)
def test_requests_that_somebody_else_failed_are_counted_as_such(
    decision: str, metric: Metric, labels: tuple[str, ...]
) -> None:
    tally = Tally()
    tally.request("demarches", decision, 504, 0.001)
    tally.request("demarches", decision, 504, 0.001)
    assert tally.values() == {
        (REQUESTS, ("demarches", decision, "5xx")): 2,
        (metric.value, labels): 2,
    }


def test_what_is_counted_twice_over_adds_up() -> None:
    tally = Tally()
    tally.count(Metric.STORE_ERRORS)
    tally.request("demarches", "store-unreachable", 503, 0.001)
    assert tally.values()[Metric.STORE_ERRORS.value, ()] == 2


@pytest.mark.parametrize(
    "seconds, bucket", [(0.0, 0), (0.001, 0), (0.0011, 1), (60, len(BOUNDS) - 1), (61, len(BOUNDS))]
)
def test_a_time_falls_into_the_first_bucket_that_holds_it(seconds: float, bucket: int) -> None:
    tally = Tally()
    tally.request("demarches", "public", 200, seconds)
    times = tally.durations["demarches"]
    assert times[-1] == seconds
    assert [number for number, count in enumerate(times[:-1]) if count] == [bucket]


@pytest.mark.parametrize(
    "event, said, counted",
    [
        ("sign-in", {"app": "a", "provider": "default"}, (Metric.SIGN_INS, ("a", "default"))),
        (
            "sign-in-refused",
            {"app": "a", "provider": "default", "fault": "state"},
            (Metric.REFUSALS, ("sign-in-refused", "a", "state")),
        ),
        (
            "access-refused",
            {"app": "a", "reason": "other-organisation"},
            (Metric.REFUSALS, ("access-refused", "a", "other-organisation")),
        ),
        ("metadata-refused", {"fault": "x"}, (Metric.REFUSALS, ("metadata-refused", "", "x"))),
        ("sign-out", {"app": "a"}, (Metric.SESSIONS_ENDED, ("sign-out",))),
        ("session-ended", {}, (Metric.SESSIONS_ENDED, ("session-ended",))),
        ("something-else", {}, None),
    ],
)
def test_audit_events_are_counted(
    event: str, said: dict[str, str], counted: tuple[Metric, tuple[str, ...]] | None
) -> None:
    tally = Tally()
    tally.audited(event, said)
    assert list(tally.counts) == ([] if counted is None else [(counted[0].value, counted[1])])


def test_processes_add_up_and_one_that_has_ended_leaves_its_counters_alone() -> None:
    total = Snapshot({(REQUESTS, ("a", "public", "2xx")): 1, ("gateway_provider_ready", ("p",)): 1})
    other = Snapshot(
        {
            (REQUESTS, ("a", "public", "2xx")): 2,
            ("gateway_provider_ready", ("p",)): 0,
            ("gateway_open_streams", ()): 3,
        },
        {"a": [1.0, 2.0]},
    )
    total.add(other)
    total.add(other, alive=False)
    assert total == Snapshot(
        {
            (REQUESTS, ("a", "public", "2xx")): 5,
            ("gateway_provider_ready", ("p",)): 0,
            ("gateway_open_streams", ()): 3,
        },
        {"a": [2.0, 4.0]},
    )


def test_a_snapshot_survives_being_written() -> None:
    snapshot = Snapshot({(REQUESTS, ("a", "public", "2xx")): 1}, {"a": [1.0, 2.0]})
    assert Snapshot.read(json.loads(json.dumps(snapshot.written()))) == snapshot
