"""Section F of the hostile provider: what reaches the callback, other than the one honest answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote, urlencode

from yarl import URL

from gateway.errors import Fault

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
    "F1 state absent": not_ours(Fault.STATE, state=None),
    "F1 state empty": not_ours(Fault.STATE, state=""),
    "F1 state twice": not_ours(Fault.STATE, state=twice),
    "F1 state twice, the first another": not_ours(Fault.STATE, state=lambda state: ("x" * 43, state)),
    "F1 state unknown": not_ours(Fault.STATE_FOREIGN, state="x" * 43),
    "F1 state off by one": not_ours(Fault.STATE_FOREIGN, state=another_last_character),
    "F1 state in capitals": not_ours(Fault.STATE_FOREIGN, state=str.upper),
    "F1 state cut short": not_ours(Fault.STATE, state=lambda state: state[:-1]),
    "F1 state and a blank": not_ours(Fault.STATE, state=lambda state: f"{state} "),
    "F1 state of 14 kB": not_ours(Fault.STATE, state="x" * 14_000),
    # F4: the issuer (RFC 9207 section 2.4)
    "F4 iss absent although promised": wrong(Fault.RESPONSE_ISS, iss=None),
    "F4 iss empty": wrong(Fault.RESPONSE_ISS, iss=""),
    "F4 iss twice": wrong(Fault.RESPONSE_ISS, iss=twice),
    "F4 iss of another provider": wrong(Fault.RESPONSE_ISS, iss="https://other.example/api/v2"),
    "F4 iss with a slash more": wrong(Fault.RESPONSE_ISS, iss=lambda iss: f"{iss}/"),
    "F4 iss in capitals": wrong(Fault.RESPONSE_ISS, iss=str.upper),
    # F7: the rest of the form
    "F7 no code": wrong(Fault.RESPONSE_MALFORMED, code=None),
    "F7 code empty": wrong(Fault.RESPONSE_MALFORMED, code=""),
    "F7 code twice": wrong(Fault.RESPONSE_MALFORMED, code=twice),
    "F7 code too long": wrong(Fault.RESPONSE_MALFORMED, code="c" * 2049),
    "F7 code with a line break": wrong(Fault.RESPONSE_MALFORMED, code=lambda code: f"{code}\r\nX-Forged: 1"),
    "F7 code with letters beyond ASCII": wrong(Fault.RESPONSE_MALFORMED, code="é" * 20),
    "F7 code and error": wrong(Fault.RESPONSE_MALFORMED, error="access_denied"),
    "F7 an ID token in the query": wrong(Fault.RESPONSE_MALFORMED, id_token="eyJhbGciOiJub25lIn0.e30."),
    "F7 an access token in the query": wrong(Fault.RESPONSE_MALFORMED, code=None, access_token="a" * 43),
    "F7 an unknown parameter twice": wrong(Fault.RESPONSE_MALFORMED, foo=("1", "2")),
    "F7 error twice": wrong(Fault.RESPONSE_MALFORMED, code=None, error=twice),
    "F7 too many parameters": not_ours(Fault.RESPONSE_MALFORMED, foo=("1",) * 50),
    # F8: errors (RFC 6749 section 4.1.2.1)
    "F8 access_denied": failure("access_denied", 403, Fault.PROVIDER_REFUSED),
    "F8 login_required": failure("login_required", 502, Fault.PROVIDER_NOBODY),
    "F8 server_error": failure("server_error", 502),
    "F8 temporarily_unavailable": failure("temporarily_unavailable", 503, Fault.PROVIDER_BUSY),
    "F8 an unknown error": failure(f"{MARK}<b>", 502),
    "F8 error with another state": not_ours(
        Fault.STATE_FOREIGN, code=None, error="access_denied", state=another_last_character
    ),
    "F8 error without state": not_ours(Fault.STATE, code=None, error="access_denied", state=None),
    "F1 state with a null": not_ours(Fault.STATE, state=lambda state: state[:-1] + "\0"),
    "F4 iss without its scheme": wrong(Fault.RESPONSE_ISS, iss=lambda iss: iss.removeprefix("https:")),
    "F7 code with a null": wrong(Fault.RESPONSE_MALFORMED, code=lambda code: f"{code}\0"),
    "F7 code in an array's spelling": wrong(Fault.RESPONSE_MALFORMED, **{"code": None, "code[]": "x"}),
    "F8 interaction_required": failure("interaction_required", 502, Fault.PROVIDER_NOBODY),
    "F8 error with a code beside it": wrong(Fault.RESPONSE_MALFORMED, error="server_error"),
}


def changed(callback: URL, changes: dict[str, Change]) -> str:
    """The callback's URL with other parameters."""
    pairs = [(name, value) for name, value in callback.query.items() if name not in changes]
    for name, change in changes.items():
        value = change(callback.query.get(name, "")) if callable(change) else change
        pairs += [(name, one) for one in ((value,) if isinstance(value, str) else value or ())]
    return f"{callback.origin()}{callback.path}?{urlencode(pairs, quote_via=quote)}"
