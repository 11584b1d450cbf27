"""A token response or userinfo that is not right, and, beside them, what a provider may well say.

Whatever is wrong: no session, nothing asked for twice, a page without details, one audit line.
"""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from gateway.errors import Fault
from tests.support import honest
from tests.support.alterations import (
    ABSENT,
    Case,
    cut,
    id_token,
    members,
    public_key,
    says,
    signed_userinfo,
    stalled,
)
from tests.support.hostile import Alteration
from tests.support.story import PROTECTED, story

FOREIGN: Final = ("RS256", honest.OTHER_RSA)
IMPATIENT: Final = 'timeout = "1s"'
JWT: Final = "application/jwt; charset=utf-8"
UNSIGNED: Final = {"userinfo_signed_response_alg": None}
TOO_LONG: Final = b'{"padding": "' + b"x" * 2_000_000 + b'"}'


def error(status: int, code: str) -> Alteration:
    return says("token", {"error": code, "error_description": "<b>no</b>"}, status=status)


def a_member_twice(body: bytes) -> bytes:
    return body[:-1] + b',"id_token":"eyJhbGciOiJub25lIn0.e30."}'


def userinfo(*args: Any, fault: Fault = Fault.USERINFO_ERROR, **said: Any) -> Case:
    """Userinfo that is asked for once and answered otherwise."""
    return Case(says("userinfo", *args, **said), fault, userinfo=1)


def signed(fault: Fault, **said: Any) -> Case:
    """Userinfo that is a JWT, and another one."""
    return Case(signed_userinfo(**said), fault, userinfo=1)


TOKEN_CASES: Final = {
    # Errors (RFC 6749 section 5.2)
    "invalid_grant": Case(error(400, "invalid_grant"), Fault.TOKEN_ERROR),
    "invalid_client": Case(error(401, "invalid_client"), Fault.TOKEN_ERROR),
    "500": Case(says("token", status=500), Fault.TOKEN_ERROR),
    "503": Case(says("token", status=503), Fault.TOKEN_ERROR),
    "an error with status 200": Case(error(200, "invalid_grant"), Fault.TOKEN_ERROR),
    "tokens and an error": Case(members("token", error="invalid_grant"), Fault.TOKEN_ERROR),
    "201": Case(says("token", bytes, status=201), Fault.TOKEN_ERROR),
    "204": Case(says("token", status=204), Fault.TOKEN_ERROR),
    # Redirects
    **{
        f"redirect {status}": Case(says("token", status=status, to="/token"), Fault.TOKEN_REDIRECT)
        for status in (301, 302, 303, 307, 308)
    },
    # Members (RFC 6749 section 5.1)
    "no id_token": Case(members("token", id_token=ABSENT), Fault.TOKEN_MALFORMED),
    "id_token null": Case(members("token", id_token=None), Fault.TOKEN_MALFORMED),
    "no access_token": Case(members("token", access_token=ABSENT), Fault.TOKEN_MALFORMED),
    "access_token a number": Case(members("token", access_token=1), Fault.TOKEN_MALFORMED),
    "access_token empty": Case(members("token", access_token=""), Fault.TOKEN_MALFORMED),
    "access_token with a line break": Case(
        members("token", access_token="a\r\nX-Forged: 1"), Fault.TOKEN_MALFORMED
    ),
    "expires_in a text": Case(members("token", expires_in="3600"), Fault.TOKEN_MALFORMED),
    "expires_in true": Case(members("token", expires_in=True), Fault.TOKEN_MALFORMED),
    "expires_in negative": Case(members("token", expires_in=-1), Fault.TOKEN_MALFORMED),
    "scope a number": Case(members("token", scope=1), Fault.TOKEN_MALFORMED),
    "token_type mac": Case(members("token", token_type="mac"), Fault.TOKEN_TYPE),
    "token_type DPoP": Case(members("token", token_type="DPoP"), Fault.TOKEN_TYPE),
    "token_type absent": Case(members("token", token_type=ABSENT), Fault.TOKEN_TYPE),
    # Bodies
    "HTML": Case(says("token", "<p>error</p>", content_type="text/html"), Fault.TOKEN_MALFORMED),
    "JSON called HTML": Case(says("token", bytes, content_type="text/html"), Fault.TOKEN_MALFORMED),
    "an array": Case(says("token", []), Fault.TOKEN_MALFORMED),
    "nothing": Case(says("token"), Fault.TOKEN_MALFORMED),
    "a byte order mark": Case(says("token", lambda body: b"\xef\xbb\xbf" + body), Fault.TOKEN_MALFORMED),
    "UTF-16": Case(says("token", lambda body: body.decode().encode("utf-16")), Fault.TOKEN_MALFORMED),
    "text after it": Case(says("token", lambda body: body + b" true"), Fault.TOKEN_MALFORMED),
    "a member twice": Case(says("token", a_member_twice), Fault.TOKEN_MALFORMED),
    "2 MB": Case(says("token", TOO_LONG), Fault.TOKEN_MALFORMED),
    # The connection
    "no answer": Case(stalled("token"), Fault.PROVIDER_SLOW, 504, provider=IMPATIENT),
    "a connection cut": Case(cut("token"), Fault.PROVIDER_UNREACHABLE),
}

USERINFO_CASES: Final = {
    # Another person (OpenID Connect Core 1.0 section 5.3.2)
    "sub of another person": signed(Fault.USERINFO_SUB, sub="somebody-else"),
    "sub in capitals": signed(Fault.USERINFO_SUB, sub=str.upper),
    "sub and a blank": signed(Fault.USERINFO_SUB, sub=lambda sub: f"{sub} "),
    "sub a number": signed(Fault.USERINFO_SUB, sub=1),
    "sub absent": signed(Fault.USERINFO_SUB, sub=ABSENT),
    # Another kind than registered
    "JSON": userinfo({"sub": "somebody"}, content_type="application/json", fault=Fault.USERINFO_UNSIGNED),
    "a JWT called JSON": userinfo(bytes, content_type="application/json", fault=Fault.USERINFO_UNSIGNED),
    "a JWT called HTML": userinfo(bytes, content_type="text/html", fault=Fault.USERINFO_TYPE),
    "a JWT where JSON is registered": Case(
        says("userinfo", "eyJhbGciOiJub25lIn0.e30.", content_type=JWT),
        Fault.USERINFO_TYPE,
        userinfo=1,
        client=UNSIGNED,
    ),
    # The JWT
    "none": signed(
        Fault.USERINFO_SIGNATURE,
        header={"alg": "none"},
        mangled=lambda token: token.rpartition(".")[0] + ".",
    ),
    "HS256 with the public key": signed(
        Fault.USERINFO_SIGNATURE, signing=("HS256", public_key(lambda key: key.as_pem(private=False)))
    ),
    "another key under the right kid": signed(
        Fault.USERINFO_SIGNATURE, signing=FOREIGN, header={"kid": lambda provider: provider.keys.rs256.kid}
    ),
    "an unknown key": signed(Fault.KEY_UNKNOWN, signing=FOREIGN),
    "another kind of JWT": signed(Fault.USERINFO_TYPE, header={"typ": "at+jwt"}),
    "iss another": signed(Fault.USERINFO_ISS, iss="https://other.example"),
    "iss absent": signed(Fault.USERINFO_ISS, iss=ABSENT),
    "aud another client": signed(Fault.USERINFO_AUD, aud="another-client"),
    "aud absent": signed(Fault.USERINFO_AUD, aud=ABSENT),
    "exp past": signed(Fault.USERINFO_EXP, exp=lambda exp: exp - 2 * 3600),
    # The answer
    "401": userinfo(status=401),
    "403": userinfo(status=403),
    "500": userinfo(status=500),
    "a redirect": userinfo(status=302, to="/userinfo"),
    "2 MB": userinfo(TOO_LONG, content_type=JWT, fault=Fault.USERINFO_MALFORMED),
    "nothing": userinfo(content_type=JWT, fault=Fault.USERINFO_MALFORMED),
    "an array where JSON is registered": Case(
        says("userinfo", []), Fault.USERINFO_MALFORMED, userinfo=1, client=UNSIGNED
    ),
    "a member twice": Case(
        says("userinfo", lambda body: body[:-1] + b',"sub":"somebody-else"}'),
        Fault.USERINFO_MALFORMED,
        userinfo=1,
        client=UNSIGNED,
    ),
    "no answer": Case(stalled("userinfo"), Fault.PROVIDER_SLOW, 504, userinfo=1, provider=IMPATIENT),
}
CASES: Final = {
    **{f"token: {name}": case for name, case in TOKEN_CASES.items()},
    **{f"userinfo: {name}": case for name, case in USERINFO_CASES.items()},
}

CONTROLS: Final = {
    "aud an array of us": id_token(aud=lambda aud: [aud]),
    "azp us": id_token(azp="the-client-of-the-story"),
    "at_hash absent": id_token(at_hash=ABSENT),
    "no kid": id_token(header={"kid": ABSENT}),
    "no typ": id_token(header={"typ": ABSENT}),
    "typ in another case": id_token(header={"typ": "jwt"}),
    "a clock ahead": id_token(iat=lambda iat: iat + 25, auth_time=lambda then: then + 25),
    "a clock behind": id_token(iat=lambda iat: iat - 25, exp=lambda exp: exp - 3600 - 25),
    "claims that nobody knows": id_token(foo={"bar": [1, 2]}),
    "token_type in lower case": members("token", token_type="bearer"),
    "token_type in capitals": members("token", token_type="BEARER"),
    "expires_in absent": members("token", expires_in=ABSENT),
    "members that nobody knows": members("token", foo={"bar": [1, 2]}),
    "userinfo's media type in capitals": says("userinfo", bytes, content_type="Application/JWT"),
    "userinfo that points elsewhere": signed_userinfo(
        _claim_names={"email": "there"}, _claim_sources={"there": {"endpoint": "http://127.0.0.1:1/claims"}}
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_nobody_is_signed_in_by_it(case: Case) -> None:
    async with story(case.alteration, client=case.client, provider=case.provider) as scene:
        callback = (await scene.answered()).location
        page = await scene.browser.navigate(callback)
        await scene.refused(page, status=case.status, fault=case.fault, token=1, userinfo=case.userinfo)
        assert case.fault.value not in page.text
        again = await scene.browser.navigate(callback)
        assert (again.status, scene.provider.calls("token")) == (400, 1)


async def test_userinfo_whose_connection_breaks_signs_nobody_in() -> None:
    async with story(cut("userinfo")) as scene:
        page = await scene.sign_in()
        # A GET may be sent again over a new connection (RFC 9110 section 9.2.2); the code may not.
        calls = scene.provider.calls("userinfo")
        await scene.refused(page, status=502, fault=Fault.PROVIDER_UNREACHABLE, token=1, userinfo=calls)


async def test_who_is_signed_in_stays_so_when_a_new_sign_in_fails() -> None:
    async with story() as scene:
        await scene.sign_in()
        before = scene.browser.cookies(scene.gateway.url)
        scene.provider.alter(id_token(nonce="n" * 43))
        assert (await scene.sign_in()).status == 502
        assert scene.browser.cookies(scene.gateway.url) == before
        assert await scene.signed_in()


@pytest.mark.parametrize("alteration", CONTROLS.values(), ids=CONTROLS)
async def test_what_a_provider_may_say_signs_in(alteration: Alteration) -> None:
    async with story(alteration) as scene:
        page = await scene.sign_in()
        assert (page.status, page.url.raw_path_qs) == (200, PROTECTED)
        assert scene.attacker == []


@pytest.mark.parametrize("alg", ["RS256", "ES256", "HS256"])
@pytest.mark.parametrize("userinfo_alg", ["RS256", "ES256", "HS256", None])
async def test_every_registration_signs_in(alg: str, userinfo_alg: str | None) -> None:
    registered = {"id_token_signed_response_alg": alg, "userinfo_signed_response_alg": userinfo_alg}
    async with story(client=registered) as scene:
        await scene.sign_in()
        fields = dict(json.loads((await scene.browser.fetch(scene.gateway.url + "/api/me")).text))
        assert fields["X-ProConnect-Email"] == "eleonore.lefevre-oeillet@morbihan.example.gouv.fr"


async def test_userinfo_cannot_say_how_somebody_was_authenticated() -> None:
    async with story(signed_userinfo(acr="eidas3", amr=["hwk"], auth_time=1)) as scene:
        await scene.sign_in()
        known = json.loads((await scene.browser.fetch(scene.own("whoami"))).text)["claims"]
        assert known.get("acr") != "eidas3"
        assert known.get("amr") != ["hwk"]
        assert known.get("auth_time") != 1
