from __future__ import annotations

import pytest

from gateway.errors import Fault, ProviderError
from gateway.oidc.answer import Answer, json_body, require_success
from tests.support.honest import answer

TYPES = frozenset({"application/json"})


@pytest.mark.parametrize(
    "field, media_type",
    [
        ("application/json", "application/json"),
        ("Application/JSON;charset=utf-8", "application/json"),
        ("application/jwt; charset=utf-8; x=y", "application/jwt"),
        (" application/jwt ;", "application/jwt"),
        ("application/json, text/html", ""),
        ("application/json text/html", ""),
        ("application", ""),
        ("", ""),
    ],
)
def test_the_media_type_is_read_whatever_follows_it(field: str, media_type: str) -> None:
    assert answer({}, content_type=field).media_type == media_type


@pytest.mark.parametrize(
    "date, seconds",
    [
        ("Fri, 15 Jan 2027 08:00:00 GMT", 1_800_000_000),
        ("", None),
        ("yesterday", None),
        ("Fri, 15 Jan 2027 99:00:00 GMT", None),
    ],
)
def test_the_date_is_read_if_it_is_one(date: str, seconds: int | None) -> None:
    assert Answer(status=200, content_type="", date=date, body=b"").served_at == seconds


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_a_redirection_has_its_own_fault(status: int) -> None:
    with pytest.raises(ProviderError) as refused:
        require_success(answer({}, status=status), Fault.METADATA_MALFORMED, redirect=Fault.METADATA_REDIRECT)
    assert refused.value.fault is Fault.METADATA_REDIRECT


@pytest.mark.parametrize("status", [201, 204, 206, 400, 401, 404, 500, 503])
def test_only_200_is_success(status: int) -> None:
    with pytest.raises(ProviderError) as refused:
        require_success(answer({}, status=status), Fault.METADATA_MALFORMED, redirect=Fault.METADATA_REDIRECT)
    assert refused.value.fault is Fault.METADATA_MALFORMED
    assert refused.value.facts == {"status": status}


def test_200_is_success() -> None:
    require_success(answer({}), Fault.METADATA_MALFORMED, redirect=Fault.METADATA_REDIRECT)


def test_json_of_the_right_type_is_read() -> None:
    assert json_body(answer({"a": 1}), Fault.KEYS_MALFORMED, types=TYPES) == {"a": 1}


@pytest.mark.parametrize("wrong", [answer({}, content_type="text/html"), answer([]), answer("{}x")])
def test_json_of_another_type_or_form_is_the_callers_fault(wrong: Answer) -> None:
    with pytest.raises(ProviderError) as refused:
        json_body(wrong, Fault.KEYS_MALFORMED, types=TYPES)
    assert refused.value.fault is Fault.KEYS_MALFORMED


def test_a_body_does_not_show_itself() -> None:
    assert "canary" not in repr(answer("canary"))
