from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from bench.errors import CannotMeasureError
from bench.load.paced import due_times, paced_load
from bench.load.transfer import download, upload
from bench.load.wrk import read_wrk
from bench.servers.front import Front
from bench.servers.program import program_port

WRK = """Running 5s test @ http://127.0.0.1:8080/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.01ms    1.02ms  20.11ms   90.10%
    Req/Sec    10.66k     1.01k   12.34k    70.00%
  {requests} requests in {lasted}, 13.37MB read
{failures}Requests/sec:  10629.18
"""
NO_ANSWERS = "Non-2xx or 3xx responses: 12\n"
CLOSED = "Socket errors: connect 0, read 3, write 0, timeout 0\n"


@pytest.mark.parametrize("lasted,seconds", [("5.01s", 5.01), ("1.50m", 90.0), ("812.40ms", 0.8124)])
def test_requests_and_seconds_are_read(lasted: str, seconds: float) -> None:
    text = WRK.format(requests=53252, lasted=lasted, failures="")
    requests, read = read_wrk(text, whom="nginx")
    assert requests == 53252
    assert read == pytest.approx(seconds)


@pytest.mark.parametrize("requests,failures", [(53252, NO_ANSWERS), (53252, CLOSED), (0, "")])
def test_what_failed_is_no_measurement(requests: int, failures: str) -> None:
    with pytest.raises(CannotMeasureError, match="nginx: wrk"):
        read_wrk(WRK.format(requests=requests, lasted="5.01s", failures=failures), whom="nginx")


def test_requests_are_due_at_random_moments_at_the_rate_asked_for() -> None:
    moments = list(due_times(1000, 20, seed=1))
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert moments == list(due_times(1000, 20, seed=1))
    assert len(moments) == pytest.approx(20_000, rel=0.05)
    assert 0 <= moments[0] <= moments[-1] < 20
    # Of a Poisson process, a share of 1 - 1/e of the gaps are shorter than the mean one.
    assert sum(gap < 0.001 for gap in gaps) / len(gaps) == pytest.approx(0.632, abs=0.02)


@pytest.fixture(scope="module")
def bodies() -> Iterator[Front]:
    with program_port("bodies") as port:
        yield Front(name="bodies", port=port, pid=0)


def test_each_request_of_a_paced_load_has_its_time(bodies: Front) -> None:
    times = paced_load(bodies, rate=300, seconds=0.3, seed=7, target="/176")
    assert len(times) == len(list(due_times(300, 0.3, seed=7)))
    assert all(0 < seconds < 10 for seconds in times)


def test_a_large_body_goes_both_ways(bodies: Front) -> None:
    assert download(bodies, 3_000_001) > 0
    assert upload(bodies, 3_000_001) > 0
