from __future__ import annotations

import logging

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.support.page import Page
from tests.support.unsaid import Unsaid, all_logging, as_lines

TOKEN = "eyJhbGciOiJSUzI1NiJ9.payload-of-a-token.signature-of-a-token"


@pytest.mark.parametrize(
    "line",
    [
        f"code={TOKEN}",
        f"cut: {TOKEN[:20]}...",
        f"...{TOKEN[-20:]}",
        *as_lines([{"event": "error", "facts": {"got": [TOKEN]}}]),
    ],
)
def test_a_line_that_holds_a_value_or_an_end_of_it_is_found(line: str) -> None:
    unsaid = Unsaid()
    unsaid.add("token", TOKEN)
    assert unsaid.found_in(["nothing", line]) == [f"token in {line}"]


def test_a_value_is_found_percent_encoded() -> None:
    unsaid = Unsaid()
    unsaid.add("secret", "a secret & more of it")
    assert unsaid.found_in(["a%20secret%20%26%20more%20of%20it"])


def test_a_value_too_short_to_tell_from_chance_is_not_looked_for() -> None:
    unsaid = Unsaid()
    unsaid.add("short", "GET")
    assert (len(unsaid), unsaid.found_in(["GET /"])) == (0, [])


def test_cookies_and_the_parameters_of_a_redirect_are_learnt() -> None:
    fields = CIMultiDict(
        [
            ("Set-Cookie", "gateway=0123456789abcdef; Path=/; HttpOnly"),
            ("Location", "http://op.test/authorize?state=stateofanattempt&client_id=not-a-secret-at-all"),
        ]
    )
    page = Page(
        status=303,
        url=URL("http://app.test/"),
        method="GET",
        fields=CIMultiDictProxy(fields),
        body=b"",
        initiator=None,
        site="none",
    )
    unsaid = Unsaid()
    unsaid.add_page(page)
    assert unsaid.found_in(["0123456789abcdef", "stateofanattempt", "not-a-secret-at-all"]) == [
        "cookie gateway in 0123456789abcdef",
        "state in stateofanattempt",
    ]


def test_debug_lines_of_any_library_are_kept_and_the_level_is_put_back() -> None:
    before = logging.getLogger().level
    with all_logging() as lines:
        logging.getLogger("some.library").debug("said %s", "quietly")
    assert "said quietly" in lines
    assert logging.getLogger().level == before
