from __future__ import annotations

from bench.progress import Progress


def test_each_step_tells_where_it_is_and_how_long_it_goes_on() -> None:
    times = iter([100.0, 100.0, 130.0, 161.0])
    lines: list[str] = []
    progress = Progress({"pages": 40, "sockets": 30}, clock=times.__next__, write=lines.append)
    progress.begin("pages")
    progress.step(2, 4, "round 1: fast")
    progress.begin("sockets")
    assert lines == [
        "0:00  [1/2] pages: starting the servers  (about 1:10 left)",
        "0:30  [1/2] pages: round 1: fast  (about 0:50 left)",
        "1:01  [2/2] sockets: starting the servers  (about 0:30 left)",
    ]
