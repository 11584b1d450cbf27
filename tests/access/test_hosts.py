from __future__ import annotations

import pytest

from gateway.access.hosts import REMEMBERED, ByHost

NAMES = ("app.example", "*.example.gouv.fr", "*.rh.example.gouv.fr", "rh.example.gouv.fr")
HOSTS = ByHost(
    dict(zip(NAMES, NAMES, strict=True)),
    at=lambda thing, host: f"{thing} at {host}",
)


@pytest.mark.parametrize(
    "host, thing",
    [
        ("app.example", "app.example"),
        ("a.example.gouv.fr", "*.example.gouv.fr at a.example.gouv.fr"),
        ("a.b.example.gouv.fr", "*.example.gouv.fr at a.b.example.gouv.fr"),
        ("rh.example.gouv.fr", "rh.example.gouv.fr"),
        ("a.rh.example.gouv.fr", "*.rh.example.gouv.fr at a.rh.example.gouv.fr"),
    ],
)
def test_an_exact_host_goes_before_a_wildcard_and_a_longer_wildcard_before_a_shorter(
    host: str, thing: str
) -> None:
    assert [HOSTS.get(host), HOSTS.get(host)] == [thing, thing]


@pytest.mark.parametrize(
    "host",
    [
        "",
        "app.example.",
        "evil.app.example",
        "app.example.evil",
        "example.gouv.fr",
        ".example.gouv.fr",
        "a..example.gouv.fr",
        "-.example.gouv.fr",
        "evilexample.gouv.fr",
        "a.example.gouv.fr.",
        "*.example.gouv.fr",
        f"{'a' * 64}.example.gouv.fr",
        f"{'a.' * 130}example.gouv.fr",
        "[::1]",
    ],
)
def test_a_host_that_nothing_names_has_nothing(host: str) -> None:
    assert HOSTS.get(host) is None


def test_invented_hosts_do_not_fill_the_memory() -> None:
    made = list[str]()

    def at(thing: str, host: str) -> str:
        made.append(host)
        return thing

    hosts = ByHost({"*.example.fr": "app"}, at=at)
    for number in range(REMEMBERED + 1):
        assert hosts.get(f"h{number}.example.fr") == "app"
    assert hosts.get("h0.example.fr") == hosts.get("h0.example.fr") == "app"
    assert made.count("h0.example.fr") == 2


def test_everything_is_there_as_it_was_given() -> None:
    assert set(HOSTS.all) == set(NAMES)


def test_the_longest_name_that_there_can_be_is_a_host() -> None:
    most = 253 - len(".example.gouv.fr")
    host = ".".join(["a" * 63] * 3 + ["a" * (most - 3 * 64)]) + ".example.gouv.fr"
    assert len(host) == 253
    assert HOSTS.get(host) == f"*.example.gouv.fr at {host}"
    assert HOSTS.get(f"a{host}") is None
