from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.readings import read_path
from gateway.errors import Fault, RequestError


@pytest.mark.parametrize("raw", ["/", "/admin/", "/a/b.html", "/a-b_c~d", "/a:b@c=d,e", "/a+b"])
def test_a_plain_path_has_one_reading(raw: str) -> None:
    path = read_path(raw)
    assert path.decoded == raw
    assert path.others == frozenset()


@pytest.mark.parametrize(
    "raw, decoded",
    [
        ("/%61dmin/", "/admin/"),
        ("/d%C3%A9marches/", "/démarches/"),
        ("/a%20b", "/a b"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%2fb", "/a%2Fb"),
        ("/Admin/", "/Admin/"),
        ("/a//b", "/a//b"),
    ],
)
def test_rules_see_the_path_decoded_once(raw: str, decoded: str) -> None:
    assert read_path(raw).decoded == decoded


@pytest.mark.parametrize(
    "raw, other",
    [
        ("/Admin/", "/admin/"),
        ("//admin", "/admin"),
        ("/public//admin", "/public/admin"),
        ("/public%2Fadmin", "/public/admin"),
        ("/public\\admin", "/public/admin"),
        ("/public%5Cadmin", "/public/admin"),
        ("/public%255cadmin", "/public/admin"),
        ("/admin;x=/public/", "/admin/public/"),
        ("/admin;jsessionid=1/x", "/admin/x"),
        ("/%2561dmin/", "/admin/"),
    ],
)
def test_what_another_server_might_read_is_known(raw: str, other: str) -> None:
    assert other in read_path(raw).others


@pytest.mark.parametrize(
    "raw",
    [
        "/public/../admin",
        "/public/./admin",
        "/public/%2e%2e/admin",
        "/public/%2E./admin",
        "/public/..%2fadmin",
        "/public%2f..%2fadmin",
        "/public/..;/admin",
        "/public/%252e%252e/admin",
        "/public/..\\admin",
        "/public/..%5cadmin",
        "/public/%2e%2e%3b/admin",
        "/..",
        "/.",
        "/admin%00",
        "/admin%2500",
        "/admin%0d%0aX:1",
        "/admin%7f",
        "/admin%",
        "/admin%2",
        "/admin%zz",
        "/admin%u002f",
        "/public/%c0%ae%c0%ae/admin",
        "/public%c0%afadmin",
    ],
)
def test_a_path_that_no_honest_browser_sends_is_refused(raw: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_path(raw)
    assert refused.value.fault is Fault.TARGET_AMBIGUOUS


def test_octets_that_are_not_utf8_are_kept_apart() -> None:
    assert read_path("/caf%E9").decoded != read_path("/caf%E8").decoded


def test_any_reading_under_a_prefix_counts() -> None:
    assert read_path("/_GATEWAY/whoami").any_starts_with("/_gateway/")
    assert read_path("/%5fgateway").any_starts_with("/_gateway/")
    assert not read_path("/x/_gateway/").any_starts_with("/_gateway/")


@given(st.text(alphabet=st.sampled_from("/.%25cfeAa;\\_é\x00"), max_size=30))
def test_any_text_is_read_or_refused(raw: str) -> None:
    try:
        path = read_path("/" + raw)
    except RequestError as refused:
        assert refused.fault is Fault.TARGET_AMBIGUOUS  # noqa: PT017 - either outcome is right
        return
    for reading in (path.decoded, *path.others):
        assert not {".", ".."} & set(reading.replace("\\", "/").split("/"))
        assert "\x00" not in reading


@pytest.mark.parametrize(
    "raw, lies",
    [
        ("/_gateway", True),
        ("/_gateway/", True),
        ("/_gateway/x", True),
        ("/_gatewayx", False),
        ("/x/_gateway/", False),
        ("/_Gateway/x", True),
        ("//_gateway/x", True),
        ("/%5fgateway/x", True),
        ("//x", False),
    ],
)
def test_what_some_server_reads_under_a_prefix_lies_there(raw: str, *, lies: bool) -> None:
    assert read_path(raw).any_starts_with("/_gateway/") is lies


@pytest.mark.parametrize("length", [255, 256, 257])
def test_a_long_path_is_read_as_a_short_one(length: int) -> None:
    raw = "/A" + "%61" * ((length - 2) // 3)
    assert read_path(raw).others == {raw.replace("%61", "a").casefold()}
