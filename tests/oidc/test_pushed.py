from __future__ import annotations

import pytest

from gateway.errors import Fault, ProviderError
from gateway.oidc.answer import Answer
from gateway.oidc.pushed import check_pushed_response, pushed_authorization_url
from tests.support.honest import CLIENT_ID, REQUEST_URI, answer, client, metadata


def test_a_request_that_was_taken_has_a_name() -> None:
    assert (
        check_pushed_response(answer({"request_uri": REQUEST_URI, "expires_in": 60}, status=201))
        == REQUEST_URI
    )


def test_the_browser_carries_the_name_alone() -> None:
    url = pushed_authorization_url(metadata(), client(), REQUEST_URI)
    assert url == (
        f"https://op.test/api/v2/authorize?client_id={CLIENT_ID}"
        "&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A6esc_11ACC5bwc014ltc14eY22c"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        answer({"request_uri": REQUEST_URI}, status=200),
        answer({"request_uri": REQUEST_URI}, status=302),
        answer({"error": "invalid_request"}, status=400),
        answer({"error": "invalid_client"}, status=401),
        answer({"expires_in": 60}, status=201),
        answer({"request_uri": None}, status=201),
        answer({"request_uri": [REQUEST_URI]}, status=201),
        answer({"request_uri": ""}, status=201),
        answer({"request_uri": "a b"}, status=201),
        answer({"request_uri": "a\n"}, status=201),
        answer({"request_uri": "a" * 513}, status=201),
        answer([REQUEST_URI], status=201),
        answer({"request_uri": REQUEST_URI}, status=201, content_type="text/html"),
    ],
    ids=lambda wrong: f"{wrong.status} {wrong.body[:30]!r}",
)
def test_anything_else_is_refused(wrong: Answer) -> None:
    with pytest.raises(ProviderError) as refused:
        check_pushed_response(wrong)
    assert refused.value.fault is Fault.PUSHED_REQUEST
