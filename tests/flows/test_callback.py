"""What reaches the callback, other than the one honest answer to the one attempt of this browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import quote, urlencode

import pytest
from yarl import URL

from gateway.demo.provider_pages import ABORTS
from gateway.errors import Fault
from tests.support.alterations import members
from tests.support.page import Page
from tests.support.raw import exchange
from tests.support.story import PROTECTED, Story, story

Value: TypeAlias = str | tuple[str, ...] | None
Change: TypeAlias = Value | Callable[[str], Value]
"""A parameter's new value, its values, None for none; or how it is made of the honest one."""

MARK: Final = "text-of-the-provider-that-nobody-repeats"
SCRIPT: Final = f"<script>alert('{MARK}')</script>&lt;b&gt;\r\n\x1b[2J" + "x" * 8000


class Case(NamedTuple):
    changes: dict[str, Change]
    fault: Fault
    status: int = 400
    spent: bool = True


def not_ours(fault: Fault, **changes: Change) -> Case:
    """An answer that belongs to no attempt of this browser: the real one must survive it."""
    return Case(changes, fault, spent=False)


def wrong(fault: Fault, **changes: Change) -> Case:
    """An answer that carries the attempt's own `state`, and is wrong in something else."""
    return Case(changes, fault)


def failure(error: str, status: int, fault: Fault = Fault.PROVIDER_ERROR) -> Case:
    """The provider's own word that the sign-in failed, with what an attacker might add to it."""
    said = {"error_description": SCRIPT, "error_uri": f"javascript:alert('{MARK}')"}
    return Case({"code": None, "error": error, **said}, fault, status)


def another_last_character(value: str) -> str:
    return value[:-1] + ("A" if value[-1] != "A" else "B")


def twice(value: str) -> tuple[str, str]:
    return (value, value)


CASES: Final = {
    # F1: the `state`
    "state absent": not_ours(Fault.STATE, state=None),
    "state empty": not_ours(Fault.STATE, state=""),
    "state twice": not_ours(Fault.STATE, state=twice),
    "state twice, the first another": not_ours(Fault.STATE, state=lambda state: ("x" * 43, state)),
    "state unknown": not_ours(Fault.STATE_FOREIGN, state="x" * 43),
    "state off by one": not_ours(Fault.STATE_FOREIGN, state=another_last_character),
    "state in capitals": not_ours(Fault.STATE_FOREIGN, state=str.upper),
    "state cut short": not_ours(Fault.STATE, state=lambda state: state[:-1]),
    "state and a blank": not_ours(Fault.STATE, state=lambda state: f"{state} "),
    "state of 14 kB": not_ours(Fault.STATE, state="x" * 14_000),
    # F4: the issuer (RFC 9207 section 2.4)
    "iss absent although promised": wrong(Fault.RESPONSE_ISS, iss=None),
    "iss empty": wrong(Fault.RESPONSE_ISS, iss=""),
    "iss twice": wrong(Fault.RESPONSE_ISS, iss=twice),
    "iss of another provider": wrong(Fault.RESPONSE_ISS, iss="https://other.example/api/v2"),
    "iss with a slash more": wrong(Fault.RESPONSE_ISS, iss=lambda iss: f"{iss}/"),
    "iss in capitals": wrong(Fault.RESPONSE_ISS, iss=str.upper),
    # F7: the rest of the form
    "no code": wrong(Fault.RESPONSE_MALFORMED, code=None),
    "code empty": wrong(Fault.RESPONSE_MALFORMED, code=""),
    "code twice": wrong(Fault.RESPONSE_MALFORMED, code=twice),
    "code too long": wrong(Fault.RESPONSE_MALFORMED, code="c" * 2049),
    "code with a line break": wrong(Fault.RESPONSE_MALFORMED, code=lambda code: f"{code}\r\nX-Forged: 1"),
    "code with letters beyond ASCII": wrong(Fault.RESPONSE_MALFORMED, code="é" * 20),
    "code and error": wrong(Fault.RESPONSE_MALFORMED, error="access_denied"),
    "an ID token in the query": wrong(Fault.RESPONSE_MALFORMED, id_token="eyJhbGciOiJub25lIn0.e30."),
    "an access token in the query": wrong(Fault.RESPONSE_MALFORMED, code=None, access_token="a" * 43),
    "an unknown parameter twice": wrong(Fault.RESPONSE_MALFORMED, foo=("1", "2")),
    "error twice": wrong(Fault.RESPONSE_MALFORMED, code=None, error=twice),
    "too many parameters": not_ours(Fault.RESPONSE_MALFORMED, foo=("1",) * 50),
    # F8: errors (RFC 6749 section 4.1.2.1)
    "access_denied": failure("access_denied", 403, Fault.PROVIDER_REFUSED),
    "login_required": failure("login_required", 502),
    "server_error": failure("server_error", 502),
    "temporarily_unavailable": failure("temporarily_unavailable", 503),
    "an unknown error": failure(f"{MARK}<b>", 502),
    "error with another state": not_ours(
        Fault.STATE_FOREIGN, code=None, error="access_denied", state=another_last_character
    ),
    "error without state": not_ours(Fault.STATE, code=None, error="access_denied", state=None),
}
NO_ISS_PROMISED: Final = members("discovery", authorization_response_iss_parameter_supported=False)

each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def changed(callback: URL, changes: dict[str, Change]) -> str:
    """The callback's URL with other parameters."""
    pairs = [(name, value) for name, value in callback.query.items() if name not in changes]
    for name, change in changes.items():
        value = change(callback.query.get(name, "")) if callable(change) else change
        pairs += [(name, one) for one in ((value,) if isinstance(value, str) else value or ())]
    return f"{callback.origin()}{callback.path}?{urlencode(pairs, quote_via=quote)}"


async def honest(scene: Story, **answered: Any) -> URL:
    """The honest callback, which nobody has followed yet."""
    return (await scene.answered(**answered)).location


async def arrives(scene: Story, callback: URL) -> Page:
    """Follow the callback as a browser does, to the page at its end."""
    return await scene.browser.open(callback)


@each
async def test_a_wrong_answer_ends_in_a_page_and_one_audit_line_and_nothing_else(case: Case) -> None:
    async with story() as scene:
        scene.unsaid.add("text of the provider", MARK)
        page = await scene.browser.navigate(changed(await honest(scene), case.changes))
        await scene.refused(page, status=case.status, fault=case.fault)
        assert MARK not in page.text


@each
async def test_an_attempt_is_used_up_by_its_own_state_alone(case: Case) -> None:
    async with story() as scene:
        callback = await honest(scene)
        await scene.browser.navigate(changed(callback, case.changes))
        page = await arrives(scene, callback)
        assert (page.status, await scene.signed_in()) == ((400, False) if case.spent else (200, True))
        assert scene.provider.calls("token") == (0 if case.spent else 1)


@pytest.mark.parametrize("name", ABORTS)
async def test_a_failure_at_the_provider_is_told_and_the_button_leads_back_to_the_page(name: str) -> None:
    error, _ = ABORTS[name]
    statuses = {"access_denied": 403, "temporarily_unavailable": 503}
    fault = Fault.PROVIDER_REFUSED if error == "access_denied" else Fault.PROVIDER_ERROR
    async with story() as scene:
        page = await scene.browser.follow(await scene.begin())
        page = await scene.browser.open(f"{page.url}/abort/{name}")
        await scene.refused(page, status=statuses.get(error, 502), fault=fault)
        again = await scene.browser.navigate(page.url.join(URL(page.links[0].href)))
        await scene.browser.follow(await scene.choose(again))
        assert scene.upstream == [f"GET {PROTECTED}"]


async def test_a_query_that_is_not_utf_8_is_refused() -> None:
    async with story() as scene:
        callback = await honest(scene)
        page = await scene.browser.navigate(f"{callback}&foo=%ff")
        await scene.refused(page, status=400, fault=Fault.RESPONSE_MALFORMED)


async def test_a_state_of_100_kb_is_refused_before_it_is_read() -> None:
    async with story() as scene:
        callback = await honest(scene)
        target = changed(callback, {"state": "x" * 100_000}).removeprefix(scene.gateway.url)
        received = await exchange(
            scene.gateway.port, f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        assert received.data.split()[1] == b"414"
        assert scene.provider.calls("token") == 0
        assert (await arrives(scene, callback)).status == 200


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE"])
async def test_another_method_does_nothing(method: str) -> None:
    async with story() as scene:
        callback = await honest(scene)
        page = await scene.browser.navigate(callback, method=method)
        assert page.status == 405
        assert page.fields["Allow"] == "GET"
        assert scene.provider.calls("token") == 0
        assert (await arrives(scene, callback)).status == 200


async def test_the_callback_that_a_provider_posts_as_a_form_is_not_taken() -> None:
    async with story() as scene:
        callback = await honest(scene)
        page = await scene.browser.navigate(
            callback.with_query(None), method="POST", form=dict(callback.query), initiator=callback
        )
        assert (page.status, scene.provider.calls("token")) == (405, 0)


@pytest.mark.parametrize("iss", [None, "promised"], ids=["absent", "right"])
async def test_a_provider_that_promises_no_iss_may_send_the_right_one_or_none(iss: str | None) -> None:
    async with story(NO_ISS_PROMISED) as scene:
        callback = await honest(scene)
        page = await arrives(scene, URL(changed(callback, {} if iss else {"iss": None}), encoded=True))
        assert page.status == 200


async def test_a_wrong_iss_is_refused_although_none_was_promised() -> None:
    async with story(NO_ISS_PROMISED) as scene:
        page = await scene.browser.navigate(changed(await honest(scene), {"iss": "https://other.example"}))
        await scene.refused(page, status=400, fault=Fault.RESPONSE_ISS)


async def test_parameters_that_nobody_knows_change_nothing() -> None:
    async with story() as scene:
        callback = changed(await honest(scene), {"session_state": "1", "foo": "bar"})
        assert (await scene.browser.open(callback)).status == 200
