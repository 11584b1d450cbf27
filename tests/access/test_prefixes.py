from __future__ import annotations

import pytest

from gateway.access.prefixes import ByPrefix
from gateway.access.readings import read_path
from gateway.errors import Fault, RequestError

PARTS = ByPrefix("app", {"/api": "api", "/api/v2/": "v2", "/Rapports": "reports"})


@pytest.mark.parametrize(
    "raw, thing",
    [
        ("/", "app"),
        ("/api", "api"),
        ("/api/", "api"),
        ("/api/x", "api"),
        ("/apis", "app"),
        ("/x/api", "app"),
        ("/api/v2", "v2"),
        ("/api/v2/x", "v2"),
        ("/api/v20", "api"),
        ("/%61pi/x", "api"),
        ("*", "app"),
        ("/Rapports/1", "reports"),
    ],
)
def test_the_longest_path_above_counts_by_whole_segments(raw: str, thing: str) -> None:
    assert PARTS.find(read_path(raw)) == thing


@pytest.mark.parametrize("raw", ["/API/x", "/api;x/y", "//api/x", "/api%2fx", "/api%252fv2", "/rapports/1"])
def test_a_path_that_two_servers_would_send_to_two_places_is_refused(raw: str) -> None:
    with pytest.raises(RequestError) as refused:
        PARTS.find(read_path(raw))
    assert refused.value.fault is Fault.TARGET_AMBIGUOUS


def test_without_paths_everything_goes_to_one_place() -> None:
    assert ByPrefix("app", {}).find(read_path("/API;x//y")) == "app"
    assert PARTS.all == ("app", "reports", "v2", "api")
