"""Any target with any fields, sent to a gateway: what was decided reaches the application, or nothing does.

The gateway listens, and so does the application; the person has signed in. The oracle is that of
`tests/flows/test_hazard_path_matching.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from gateway.proxy.names import folded
from tests.support.background import Background, background
from tests.support.flows import Answered, Wire, fields_of, on_the_wire, target_of
from tests.support.odd_requests import BELOW_PLACES, FIELDS, place_of, readings

pytestmark = pytest.mark.real

ROUTES = """
[[apps.routes]]
path = "/admin"
access = "deny"
[[apps.routes]]
path = "/api/v2"
access = "signed-in"
require = { roles = ["nobody has this one"] }
[[apps.routes]]
path = "/public"
access = "public"
"""
NEVER = ("/admin", "/api/v2")
"""Places that nobody of the test may reach."""

ANSWERS = {200, 302, 303, 400, 401, 403, 404, 405, 414, 431, 501}
IDENTITY = "x-proconnect-"
SAID = "forged"
METHODS = st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"])
PEOPLE = st.sampled_from(["nobody", "eleonore", "eleonore"])


@pytest.fixture(scope="module")
def loop() -> Iterator[Background]:
    with background() as loop:
        yield loop


@pytest.fixture(scope="module")
def wire(loop: Background) -> Iterator[Wire]:
    """A gateway that somebody has signed in at."""
    stack = AsyncExitStack()

    async def opened() -> Wire:
        wire = await stack.enter_async_context(on_the_wire(routes=ROUTES))
        await wire.sign_in()
        return wire

    try:
        yield loop.run(opened())
    finally:
        loop.run(stack.aclose())


def seen(request: bytes) -> dict[str, list[str]]:
    """The fields of a request as an application that folds their names reads them."""
    read: dict[str, list[str]] = {}
    for name, value in fields_of(request):
        read.setdefault(folded(name), []).append(value)
    return read


async def asked(wire: Wire, method: str, target: str, *fields: str) -> tuple[Answered, list[bytes]]:
    """What is answered, and what the application got."""
    wire.upstream.requests.clear()
    answered = await wire.ask(method, target, *fields, "Connection: close")
    return answered, list(wire.upstream.requests)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=METHODS, target=BELOW_PLACES, fields=FIELDS, person=PEOPLE)
def test_hazard_header_spoofing_nothing_odd_reaches_the_application_under_another_rule_or_name(
    loop: Background, wire: Wire, *, method: str, target: str, fields: list[tuple[str, str]], person: str
) -> None:
    signed_in = person != "nobody"
    lines = [f"{name}: {value}" for name, value in fields]
    cookies = [wire.cookie] if signed_in else []
    octets = target.encode().decode("latin-1")
    answered, reached = loop.run(asked(wire, method, octets, *cookies, *lines))
    event(f"{answered.status} {len(reached)} {person}")
    assert answered.status in ANSWERS
    assert len(reached) <= 1
    if not reached:
        return
    (request,) = reached
    assert target_of(request) == target.encode()
    places = {place_of(reading) for reading in readings(target.partition("?")[0])}
    assert len(places) == 1
    assert places.isdisjoint(NEVER)
    read = seen(request)
    public = places == {"/public"}
    assert public or signed_in
    told = {name: values for name, values in read.items() if name.startswith(IDENTITY)}
    assert bool(told) is not public
    assert all(len(values) == 1 for values in told.values())
    assert told.get("x-proconnect-sub", [""])[0] != SAID
    assert SAID not in " ".join(read.get("remote-user", []))
    assert f"gateway={wire.browser.cookies(wire.gateway.url)['gateway']}" not in " ".join(
        read.get("cookie", [])
    )
    assert not {"proxy", "forwarded", "te", "upgrade", "transfer-encoding"} & read.keys()
