from __future__ import annotations

import pytest

from gateway.proxy.rules import AS_SENT, SECURITY_FIELDS, AnswerRules

LOCATIONS = AnswerRules(
    locations=[
        (b"http://legacy:8080/app", b"https://app.example"),
        (b"http://legacy:8080", b"https://app.example"),
        (b"/app/", b"/"),
    ]
)


def test_without_rules_nothing_changes() -> None:
    fields = [(b"Location", b"/x"), (b"Set-Cookie", b"a=1; Domain=x; Path=/"), (b"X", b"1")]
    assert AS_SENT.apply(fields) == fields


@pytest.mark.parametrize(
    "value, moved",
    [
        (b"http://legacy:8080/x?y#z", b"https://app.example/x?y#z"),
        (b"http://legacy:8080/app/x", b"https://app.example/x"),
        (b"http://legacy:8080/apple", b"https://app.example/apple"),
        (b"http://legacy:8080", b"https://app.example"),
        (b"http://legacy:8080?x", b"https://app.example?x"),
        (b"http://legacy:80801/", b"http://legacy:80801/"),
        (b"http://legacy:8080.evil/", b"http://legacy:8080.evil/"),
        (b"https://elsewhere/app/", b"https://elsewhere/app/"),
        (b"/app/x", b"/x"),
        (b"/other", b"/other"),
        (b"", b""),
    ],
)
def test_an_application_that_names_its_own_address_is_corrected(value: bytes, moved: bytes) -> None:
    assert LOCATIONS.apply([(b"LOCATION", value)]) == [(b"LOCATION", moved)]
    assert LOCATIONS.apply([(b"content-location", value)]) == [(b"content-location", moved)]
    assert LOCATIONS.apply([(b"X-Location", value)]) == [(b"X-Location", value)]


@pytest.mark.parametrize(
    "value, moved",
    [
        (b"5; url=http://legacy:8080/x", b"5; url=https://app.example/x"),
        (b"5;URL=/app/x", b"5;URL=/x"),
        (b"5", b"5"),
        (b"/app/x", b"/app/x"),
    ],
)
def test_a_refresh_is_corrected_where_it_has_a_url(value: bytes, moved: bytes) -> None:
    assert LOCATIONS.apply([(b"Refresh", value)]) == [(b"Refresh", moved)]


@pytest.mark.parametrize(
    "value, becomes",
    [
        (b"a=1; Domain=legacy; Path=/app; Secure", b"a=1; Domain=app.example; Path=/; Secure"),
        (b"a=1; domain=.LEGACY;path=/app/x", b"a=1; domain=app.example;path=/x"),
        (b"a=1; Domain=gone; HttpOnly", b"a=1; HttpOnly"),
        (b"a=1; Domain=other; Path=/apple", b"a=1; Domain=other; Path=/apple"),
        (b"a=Domain=legacy", b"a=Domain=legacy"),
        (b"a=1", b"a=1"),
    ],
)
def test_a_cookie_for_the_applications_own_address_is_corrected(value: bytes, becomes: bytes) -> None:
    rules = AnswerRules(
        cookie_domains=[(b"legacy", b"app.example"), (b"gone", None)], cookie_paths=[(b"/app", b"/")]
    )
    assert rules.apply([(b"Set-Cookie", value), (b"X", value)]) == [(b"Set-Cookie", becomes), (b"X", value)]


def test_fields_are_removed_replaced_and_added() -> None:
    rules = AnswerRules(
        removed=frozenset({b"server", b"x-powered-by"}),
        replaced=[(b"Content-Security-Policy", b"default-src 'self'")],
        added=[(b"X-Content-Type-Options", b"nosniff"), (b"X-Frame-Options", b"DENY")],
    )
    fields = [
        (b"Server", b"x"),
        (b"content-security-policy", b"old"),
        (b"X-POWERED-BY", b"y"),
        (b"x-frame-options", b"SAMEORIGIN"),
        (b"Date", b"z"),
    ]
    assert rules.apply(fields) == [
        (b"x-frame-options", b"SAMEORIGIN"),
        (b"Date", b"z"),
        (b"Content-Security-Policy", b"default-src 'self'"),
        (b"X-Content-Type-Options", b"nosniff"),
    ]


def test_the_preset_never_overrides_what_the_application_says() -> None:
    own = [(name.lower(), b"own") for name, _ in SECURITY_FIELDS]
    assert AnswerRules(added=SECURITY_FIELDS).apply(own) == own
    assert AnswerRules(added=SECURITY_FIELDS).apply([]) == list(SECURITY_FIELDS)


@pytest.mark.parametrize(
    "value, moved",
    [
        (b"http://legacy//evil.example/", b"/evil.example/"),
        (b"http://legacy/\\\\evil.example/", b"/evil.example/"),
        (b"http://legacy", b"/"),
        (b"//evil.example/x", b"//evil.example/x"),
        (b"/\\evil.example/x", b"/\\evil.example/x"),
        (b"/app/x", b"/x"),
        (b"/app//evil.example", b"/evil.example"),
    ],
)
def test_hazard_open_redirect_no_correction_makes_a_host_of_a_path(value: bytes, moved: bytes) -> None:
    rules = AnswerRules(locations=[(b"http://legacy", b"/"), (b"/app", b"/"), (b"/", b"/")])
    assert rules.apply([(b"Location", value)]) == [(b"Location", moved)]
