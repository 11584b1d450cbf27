"""Whatever a browser, or somebody who is none, sends: read in one way, or refused."""

from __future__ import annotations

import secrets
from ipaddress import ip_network
from urllib.parse import urljoin, urlsplit

from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.access.readings import read_path
from gateway.access.request import TrustedProxies, read_request
from gateway.errors import RequestError
from gateway.oidc.form_post import open_form, seal_form
from gateway.oidc.pending import attempts_to_drop, open_pending, seal_pending
from gateway.proxy.target import read_target
from gateway.secret import Secret
from gateway.sessions.cookie import new_cookie, read_cookies
from gateway.sessions.return_to import parse_return_to
from gateway.sessions.seal import Purpose, Sealer
from gateway.sessions.session import ANONYMOUS, SignedIn
from tests.fuzz.mangled import mangled
from tests.support import honest
from tests.support.honest import NOW

SEALER = Sealer([Secret("n" * 32), Secret("o" * 32)])
BOX = SEALER.box(Purpose.SIGN_IN_ATTEMPT)
COOKIE = new_cookie(secrets.token_bytes)
NAME = "__Host-gateway"
ATTEMPT = "__Host-gateway-sign-in-0123abcd"
SEALED = seal_pending(honest.pending(), box=BOX, cookie_name=ATTEMPT, random=secrets.token_bytes)
SESSION = SignedIn(
    id="id",
    host="gw.test",
    provider="default",
    claims={"sub": honest.SUB},
    id_token=Secret("a.b.c"),
    signed_in_at=NOW,
    last_seen=NOW,
)
RECORD = COOKIE.seal(SESSION, sealer=SEALER, random=secrets.token_bytes)
WORDS = (b"//", b"/../", b"%2e%2e", b"%2f", b"%5c", b"%00", b"%0d%0a", b"%252e", b"\\", b";a=b", b"@", b"://")
TARGETS = mangled(
    b"/dossiers/42?x=y",
    b"/_gateway/sign-out",
    b"http://gw.test/a%20b",
    b"*",
    b"/%C3%A9t%C3%A9/",
    words=(*WORDS, b"https:", b"http://gw.test", b"javascript:"),
)


@given(TARGETS, st.sampled_from(["GET", "OPTIONS", "POST"]))
def test_a_target_goes_on_byte_for_byte_or_not_at_all(raw: bytes, method: str) -> None:
    text = raw.decode("latin-1")
    try:
        target = read_target(text, method=method, host="gw.test")
        read_path(target.partition("?")[0])
    except RequestError:
        return
    assert target in {text, "*", "/"} or text.endswith(target)
    assert target.isascii()
    assert target.isprintable()
    assert target == "*" or target.startswith("/")
    assert not {".", ".."} & set(target.partition("?")[0].split("/"))


@given(TARGETS)
@example(b"/\\evil.test")
@example(b"/%5cevil.test")
def test_a_return_target_stays_at_this_gateway(raw: bytes) -> None:
    target = parse_return_to(raw.decode("latin-1")).target
    there = urlsplit(urljoin("https://gw.test/_gateway/callback", target))
    assert (there.scheme, there.netloc) == ("https", "gw.test")
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\", "/_gateway/"))
    assert target.isprintable()


@given(mangled(f"a=b; {NAME}={COOKIE.value.reveal()}; c=d".encode(), words=(f"{NAME}=".encode(), b"; ")))
def test_a_cookie_is_ours_or_none(field: bytes) -> None:
    found = read_cookies([field.decode("latin-1")], name=NAME)
    assert all(f"{NAME}={cookie.value.reveal()}" in field.decode("latin-1") for cookie in found)


@given(mangled(RECORD))
def test_a_record_opens_whole_or_to_nobody(record: bytes) -> None:
    session = COOKIE.open(record, sealer=SEALER)
    assert session == (SESSION if record == RECORD else ANONYMOUS)


@given(mangled(SEALED.encode(), words=(b"=", b"==", b"-", b"_", b"+")))
def test_an_attempt_opens_whole_or_not_at_all(value: bytes) -> None:
    text = value.decode("latin-1")
    pending = open_pending(text, box=BOX, cookie_name=ATTEMPT, now=NOW)
    assert pending is None or pending == honest.pending()
    attempts_to_drop({ATTEMPT: text, ATTEMPT[:-1] + "0": text}, adding=ATTEMPT, size=400, box=BOX)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_a_posted_form_comes_back_as_it_was(form: list[tuple[str, str]]) -> None:
    try:
        sealed = seal_form(form, box=BOX, host="gw.test", now=NOW, random=secrets.token_bytes)
    except RequestError:
        return
    assert open_form([sealed], box=BOX, host="gw.test", now=NOW) == form


@given(mangled(SEALED.encode()), st.sampled_from(["posted", "code"]))
def test_nothing_else_is_a_posted_form(value: bytes, name: str) -> None:
    try:
        open_form([(name, value.decode("latin-1"))], box=SEALER.box(Purpose.POSTED_RESPONSE), host="h", now=0)
    except RequestError:
        return
    raise AssertionError(value)


PROXY = "172.16.0.9"
FORWARDED = st.lists(
    st.tuples(
        st.sampled_from(["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Host", "Accept"]),
        mangled(
            b"203.0.113.7, 172.16.0.1",
            b"gw.test:8443",
            b"https",
            b"[2001:db8::1]:443",
            words=(b", ", b"for=", b"unknown", b"http", b"%eth0"),
        ),
    ),
    max_size=6,
)


@given(FORWARDED, st.sampled_from([PROXY, "203.0.113.99", None]))
def test_forwarded_fields_count_from_a_trusted_proxy_only(
    fields: list[tuple[str, bytes]], peer: str | None
) -> None:
    given_fields = CIMultiDict((name, value.decode("latin-1")) for name, value in fields)
    proxies = TrustedProxies((ip_network("172.16.0.0/12"),))
    try:
        asked = read_request(
            method="GET", target="/", fields=given_fields, peer=peer, scheme="https", proxies=proxies
        )
    except RequestError:
        return
    assert asked.host.isascii()
    assert asked.host.islower() or not asked.host.isupper()
    assert asked.scheme in {"http", "https"}
    if peer != PROXY:
        assert (asked.scheme, asked.client) == ("https", peer or "")
        assert asked.authority == given_fields["Host"]
