from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.errors import Fault, ProviderError, ProviderTimeoutError, RequestError
from gateway.oidc.authorization import AuthorizationCode
from gateway.oidc.client import Client, ClientAuthMethod, SigningAlg
from gateway.oidc.client_keys import ClientKeys
from gateway.oidc.discovery import ProviderOptions
from gateway.oidc.http import ProviderHttp
from gateway.oidc.provider import Identified, Provider
from gateway.secret import Secret
from tests.support import honest
from tests.support.honest import (
    ABSENT,
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    EC,
    HMAC,
    NOW,
    OTHER_RSA,
    RSA,
    STATE,
    SUB,
    VERIFIER,
    answer,
    client,
    pending,
)
from tests.support.scripted_provider import Message, ScriptedProvider

RS256, PS256, ES256, HS256 = SigningAlg.RS256, SigningAlg.PS256, SigningAlg.ES256, SigningAlg.HS256
Begin = Callable[..., Provider]
Signer: TypeAlias = RSAKey | ECKey | OctKey


@pytest.fixture
async def begin(clock: Callable[[], int]) -> AsyncIterator[Begin]:
    opened: list[Provider] = []

    def provider(
        scripted: ScriptedProvider, *, registered: Client | None = None, timeout: float = 5, **options: Any
    ) -> Provider:
        opened.append(
            Provider(
                name="default",
                issuer=scripted.issuer,
                client=registered or client(),
                http=ProviderHttp(timeout=timeout),
                clock=clock,
                options=ProviderOptions(timeout=timeout, **options),
            )
        )
        return opened[-1]

    yield provider
    for one in opened:
        await one.close()


async def identify(provider: Provider) -> Identified:
    return await provider.identify(honest.code(), pending())


async def refusal(provider: Provider) -> ProviderError:
    with pytest.raises(ProviderError) as refused:
        await identify(provider)
    return refused.value


async def test_a_person_is_sent_to_the_provider_and_identified_on_return(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    provider = begin(scripted)
    await provider.start()
    assert provider.health().ready
    url = await provider.authorization_url(pending())
    assert url.startswith(f"{scripted.issuer}/authorize?response_type=code&client_id={CLIENT_ID}&")
    code = provider.check_response([("code", CODE), ("state", STATE), ("iss", scripted.issuer)], pending())
    who = await provider.identify(code, pending())
    assert who.claims == {
        "sub": SUB,
        "given_name": "Éléonore",
        "email": "Eleonore.Lefevre@Agriculture.example.fr",
        "roles": ["agent_public"],
        "acr": "eidas1",
        "auth_time": NOW - 5,
    }
    assert who.id_token.reveal().count(".") == 2
    assert scripted.calls == {"metadata": 1, "jwks": 1, "token": 1, "userinfo": 1}


async def test_what_identified_a_person_does_not_show_itself(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    who = await identify(begin(scripted))
    assert SUB not in repr(who)
    assert who.id_token.reveal() not in repr(who)


async def test_the_code_is_redeemed_with_secret_and_verifier(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    await identify(begin(scripted))
    call = next(call for call in scripted.journal if call.endpoint == "token")
    assert call.method == "POST"
    assert {name: value for name, [value] in parse_qs(call.body).items()} == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": "https://gw.test/_gateway/callback",
        "code_verifier": VERIFIER,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }


async def test_a_client_registered_for_basic_sends_its_secret_in_a_field(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    scripted.metadata["token_endpoint_auth_methods_supported"] = ABSENT
    basic = client(token_endpoint_auth_method=ClientAuthMethod.CLIENT_SECRET_BASIC)
    await identify(begin(scripted, registered=basic))
    call = next(call for call in scripted.journal if call.endpoint == "token")
    assert call.fields["Authorization"].startswith("Basic ")
    assert CLIENT_SECRET not in call.body


async def test_userinfo_is_asked_for_with_the_access_token(begin: Begin, scripted: ScriptedProvider) -> None:
    await identify(begin(scripted))
    call = next(call for call in scripted.journal if call.endpoint == "userinfo")
    assert (call.method, call.fields["Authorization"]) == ("GET", f"Bearer {ACCESS_TOKEN}")
    assert call.fields["Accept"] == "application/jwt"


@pytest.mark.parametrize(
    "id_token, userinfo",
    [
        ((RSA, RS256), (RSA, RS256)),
        ((EC, ES256), (EC, ES256)),
        ((EC, ES256), (RSA, RS256)),
        ((HMAC, HS256), None),
        ((HMAC, HS256), (HMAC, HS256)),
        ((RSA, RS256), (HMAC, HS256)),
        ((OTHER_RSA, PS256), None),
    ],
    ids=lambda signing: signing[1].value if signing else "plain",
)
async def test_each_registered_algorithm_signs_people_in(
    begin: Begin,
    scripted: ScriptedProvider,
    id_token: tuple[Signer, SigningAlg],
    userinfo: tuple[Signer, SigningAlg] | None,
) -> None:
    scripted.metadata["id_token_signing_alg_values_supported"] = ["RS256", "PS256", "ES256", "HS256"]
    scripted.keys = (RSA, EC, OTHER_RSA)
    scripted.signing, scripted.userinfo_signing = id_token, userinfo
    registered = client(
        id_token_signed_response_alg=id_token[1],
        userinfo_signed_response_alg=userinfo[1] if userinfo else None,
    )
    assert (await identify(begin(scripted, registered=registered))).claims["sub"] == SUB


async def test_a_provider_without_userinfo_identifies_by_its_id_token(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    scripted.metadata["userinfo_endpoint"] = ABSENT
    scripted.id_token["email"] = "a@b.fr"
    who = await identify(begin(scripted, userinfo_required=False))
    assert (who.claims["sub"], who.claims["email"]) == (SUB, "a@b.fr")
    assert scripted.calls["userinfo"] == 0


async def test_a_key_that_rotates_between_two_sign_ins_costs_one_fetch(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    provider = begin(scripted)
    await identify(provider)
    scripted.keys = (OTHER_RSA,)
    scripted.signing = scripted.userinfo_signing = (OTHER_RSA, "RS256")
    assert (await identify(provider)).claims["sub"] == SUB
    assert scripted.calls["jwks"] == 2


async def test_a_flood_of_unknown_keys_leaves_honest_sign_ins_alone(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    provider = begin(scripted)
    await provider.start()
    stranger = RSAKey.import_key(OTHER_RSA.as_dict(private=True), {"kid": "random"})
    for _ in range(10):
        scripted.signing = (stranger, "RS256")
        assert (await refusal(provider)).fault is Fault.KEY_UNKNOWN
        scripted.signing = (RSA, "RS256")
        assert (await identify(provider)).claims["sub"] == SUB
    assert scripted.calls["jwks"] == 2


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({"iss": "https://other.test"}, Fault.ID_TOKEN_ISS),
        ({"aud": "other"}, Fault.ID_TOKEN_AUD),
        ({"exp": NOW - 31}, Fault.ID_TOKEN_EXP),
        ({"nonce": "m" * 43}, Fault.ID_TOKEN_NONCE),
        ({"at_hash": honest.half_hash("another token")}, Fault.ID_TOKEN_AT_HASH),
        ({"sub": ABSENT}, Fault.ID_TOKEN_SUB),
    ],
    ids=str,
)
async def test_after_a_refused_id_token_nothing_more_is_asked(
    begin: Begin, scripted: ScriptedProvider, changes: dict[str, Any], fault: Fault
) -> None:
    scripted.id_token.update(changes)
    error = await refusal(begin(scripted))
    assert (error.fault, error.status) == (fault, 502)
    assert (scripted.calls["token"], scripted.calls["userinfo"]) == (1, 0)


@pytest.mark.parametrize(
    "signing, fault",
    [
        ((HMAC, "HS256"), Fault.ID_TOKEN_ALG),
        ((EC, "ES256"), Fault.ID_TOKEN_ALG),
        ((OTHER_RSA, "RS256"), Fault.KEY_UNKNOWN),
        (
            (RSAKey.import_key(OTHER_RSA.as_dict(private=True), {"kid": "rsa"}), "RS256"),
            Fault.ID_TOKEN_SIGNATURE,
        ),
    ],
    ids=["HS256", "ES256", "unknown key", "another key of the same name"],
)
async def test_an_id_token_signed_otherwise_is_refused(
    begin: Begin, scripted: ScriptedProvider, signing: tuple[Signer, str], fault: Fault
) -> None:
    scripted.signing = signing
    assert (await refusal(begin(scripted))).fault is fault
    assert scripted.calls["userinfo"] == 0


@pytest.mark.parametrize(
    "message, fault",
    [
        (answer({"error": "invalid_grant"}, status=400), Fault.TOKEN_ERROR),
        (answer("", status=500), Fault.TOKEN_ERROR),
        (answer("", status=307), Fault.TOKEN_REDIRECT),
        (answer("<html>", content_type="text/html"), Fault.TOKEN_MALFORMED),
        (answer("x" * (2 << 20)), Fault.TOKEN_MALFORMED),
        (answer(honest.token_document(id_token="a.b.c", token_type="mac")), Fault.TOKEN_TYPE),
        (answer(honest.token_document(id_token="a.b")), Fault.ID_TOKEN_MALFORMED),
    ],
    ids=lambda case: case.value if isinstance(case, Fault) else "",
)
async def test_a_refused_token_response_costs_one_request(
    begin: Begin, scripted: ScriptedProvider, message: Message, fault: Fault
) -> None:
    scripted.says["token"] = message
    error = await refusal(begin(scripted))
    assert (error.fault, error.status) == (fault, 502)
    assert (scripted.calls["token"], scripted.calls["userinfo"]) == (1, 0)
    assert not any(secret in str(error) for secret in (CODE, VERIFIER, CLIENT_SECRET, ACCESS_TOKEN))


USERINFO_JWT = "application/jwt"


@pytest.mark.parametrize(
    "message, fault",
    [
        (answer(honest.userinfo_claims()), Fault.USERINFO_UNSIGNED),
        (answer("a.b.c", content_type="text/html"), Fault.USERINFO_TYPE),
        (answer("", status=401), Fault.USERINFO_ERROR),
        (answer("", status=302), Fault.USERINFO_ERROR),
        (answer("a.b", content_type=USERINFO_JWT), Fault.USERINFO_MALFORMED),
        (answer("x" * (2 << 20), content_type=USERINFO_JWT), Fault.USERINFO_MALFORMED),
        (
            answer(honest.signed(honest.userinfo_claims(), key=HMAC, alg="HS256"), content_type=USERINFO_JWT),
            Fault.USERINFO_SIGNATURE,
        ),
    ],
    ids=lambda case: case.value if isinstance(case, Fault) else "",
)
async def test_a_refused_userinfo_response_signs_nobody_in(
    begin: Begin, scripted: ScriptedProvider, message: Message, fault: Fault
) -> None:
    scripted.says["userinfo"] = message
    error = await refusal(begin(scripted))
    assert (error.fault, error.status) == (fault, 502)
    assert (scripted.calls["token"], scripted.calls["userinfo"]) == (1, 1)
    assert ACCESS_TOKEN not in str(error)


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({"sub": "another person"}, Fault.USERINFO_SUB),
        ({"iss": "https://other.test"}, Fault.USERINFO_ISS),
        ({"aud": "other"}, Fault.USERINFO_AUD),
        ({"exp": NOW - 31}, Fault.USERINFO_EXP),
    ],
    ids=str,
)
async def test_signed_userinfo_that_does_not_belong_here_signs_nobody_in(
    begin: Begin, scripted: ScriptedProvider, changes: dict[str, Any], fault: Fault
) -> None:
    scripted.userinfo.update(changes)
    assert (await refusal(begin(scripted))).fault is fault


async def test_an_id_token_sent_back_as_userinfo_signs_nobody_in(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    token = honest.signed(honest.id_token_claims(issuer=scripted.issuer))
    scripted.says["userinfo"] = answer(token, content_type=USERINFO_JWT)
    assert (await refusal(begin(scripted))).fault is Fault.USERINFO_TYPE


async def test_plain_userinfo_about_another_person_signs_nobody_in(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    scripted.userinfo_signing = None
    scripted.userinfo["sub"] = "another person"
    plain = client(userinfo_signed_response_alg=None)
    assert (await refusal(begin(scripted, registered=plain))).fault is Fault.USERINFO_SUB


async def silence(_: web.Request) -> web.Response:
    await asyncio.sleep(3600)
    return web.Response()


@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
async def test_a_provider_that_does_not_answer_is_slow(
    begin: Begin, scripted: ScriptedProvider, endpoint: str
) -> None:
    provider = begin(scripted, timeout=0.3)
    await provider.start()
    scripted.says[endpoint] = silence
    error = await refusal(provider)
    assert isinstance(error, ProviderTimeoutError)
    assert error.fault is Fault.PROVIDER_SLOW


async def test_the_deadline_is_for_all_calls_of_a_sign_in_together(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    issuer = scripted.issuer

    async def late(_: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        token = honest.signed(honest.id_token_claims(issuer=issuer))
        return web.json_response(honest.token_document(id_token=token))

    provider = begin(scripted, timeout=0.5)
    await provider.start()
    scripted.says.update(token=late, userinfo=silence)
    began = asyncio.get_running_loop().time()
    assert isinstance(await refusal(provider), ProviderTimeoutError)
    assert asyncio.get_running_loop().time() - began < 0.75


async def test_a_slow_provider_takes_nothing_from_another(begin: Begin, scripted: ScriptedProvider) -> None:
    scripted.says["token"] = silence
    slow = begin(scripted, timeout=2)
    await slow.start()
    waiting = [asyncio.create_task(refusal(slow)) for _ in range(100)]
    await scripted.asked("token", 50)
    async with ScriptedProvider() as other:
        assert (await identify(begin(other))).claims["sub"] == SUB
    for task in waiting:
        task.cancel()


async def test_people_who_sign_in_at_once_are_not_mixed_up(begin: Begin, scripted: ScriptedProvider) -> None:
    issuer = scripted.issuer

    async def token(request: web.Request) -> web.Response:
        person = str((await request.post())["code"])
        await asyncio.sleep(hash(person) % 7 / 1000)
        claims = honest.id_token_claims(issuer=issuer, sub=person, at_hash=honest.half_hash(person))
        signed = honest.signed(claims, key=EC, alg="ES256")
        return web.json_response(honest.token_document(id_token=signed, access_token=person))

    async def userinfo(request: web.Request) -> web.Response:
        person = request.headers["Authorization"].removeprefix("Bearer ")
        return web.json_response({"sub": person, "email": f"{person}@b.fr"})

    scripted.says.update(token=token, userinfo=userinfo)
    registered = client(id_token_signed_response_alg=ES256, userinfo_signed_response_alg=None)
    provider = begin(scripted, registered=registered)
    await provider.start()

    async def sign_in(person: str) -> Identified:
        return await provider.identify(AuthorizationCode(Secret(person)), pending())

    people = [f"person-{number}" for number in range(100)]
    identified = await asyncio.gather(*map(sign_in, people))
    assert [who.claims["email"] for who in identified] == [f"{person}@b.fr" for person in people]


async def test_a_sign_in_that_finds_nothing_known_fetches_it_first(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    assert (await identify(begin(scripted))).claims["sub"] == SUB


async def test_a_provider_that_is_away_is_not_sent_to(begin: Begin, scripted: ScriptedProvider) -> None:
    await scripted.stop()
    provider = begin(scripted)
    await provider.start()
    with pytest.raises(ProviderError) as refused:
        await provider.authorization_url(pending())
    assert (refused.value.fault, refused.value.status) == (Fault.PROVIDER_UNREACHABLE, 503)
    with pytest.raises(ProviderError) as refused:
        provider.check_response([("code", CODE), ("state", STATE)], pending())
    assert refused.value.fault is Fault.PROVIDER_UNREACHABLE


async def test_a_response_that_breaks_its_promise_is_refused(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    provider = begin(scripted)
    await provider.start()
    with pytest.raises(RequestError) as refused:
        provider.check_response([("code", CODE), ("state", STATE)], pending())
    assert refused.value.fault is Fault.RESPONSE_ISS
    assert scripted.calls["token"] == 0


async def test_a_person_is_sent_to_sign_out(begin: Begin, scripted: ScriptedProvider) -> None:
    provider = begin(scripted)
    assert end_session_url(provider) is None
    await provider.start()
    url = end_session_url(provider) or ""
    assert url.startswith(f"{scripted.issuer}/session/end?id_token_hint=a.b.c&")


def end_session_url(provider: Provider) -> str | None:
    return provider.end_session_url(
        id_token=Secret("a.b.c"), post_logout_redirect_uri="https://gw.test/out", state=STATE
    )


def pushing(scripted: ScriptedProvider) -> None:
    """Let the provider require that requests are pushed."""
    scripted.metadata |= {
        "pushed_authorization_request_endpoint": f"{scripted.issuer}/par",
        "require_pushed_authorization_requests": True,
    }


async def test_a_provider_that_requires_pushed_requests_gets_them(
    begin: Begin, scripted: ScriptedProvider
) -> None:
    pushing(scripted)
    provider = begin(scripted)
    await provider.start()
    url = await provider.authorization_url(pending())
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "client_id": CLIENT_ID,
        "request_uri": honest.REQUEST_URI,
    }
    (pushed,) = [call for call in scripted.journal if call.endpoint == "pushed"]
    form = dict(parse_qsl(pushed.body))
    assert (form["client_secret"], form["state"], form["nonce"]) == (CLIENT_SECRET, STATE, honest.NONCE)
    assert form["code_challenge_method"] == "S256"


@pytest.mark.parametrize(
    "said", [answer({"error": "invalid_request"}, status=400), answer({}, status=201), answer("", status=302)]
)
async def test_a_request_that_is_not_taken_sends_nobody_anywhere(
    begin: Begin, scripted: ScriptedProvider, said: Message
) -> None:
    pushing(scripted)
    scripted.says["pushed"] = said
    provider = begin(scripted)
    await provider.start()
    with pytest.raises(ProviderError) as refused:
        await provider.authorization_url(pending())
    assert refused.value.fault is Fault.PUSHED_REQUEST
    assert scripted.calls["pushed"] == 1


async def test_each_assertion_has_a_name_of_its_own(begin: Begin, scripted: ScriptedProvider) -> None:
    scripted.metadata["token_endpoint_auth_methods_supported"] = ["private_key_jwt"]
    registered = client(
        client_secret=Secret(""),
        token_endpoint_auth_method=ClientAuthMethod.PRIVATE_KEY_JWT,
        keys=ClientKeys((EC,)),
    )
    provider = begin(scripted, registered=registered)
    await provider.start()
    for _ in range(2):
        await identify(provider)
    bodies = [parse_qs(call.body) for call in scripted.journal if call.endpoint == "token"]
    claims = [jwt.decode(body["client_assertion"][0], EC).claims for body in bodies]
    assert [one["aud"] for one in claims] == [scripted.issuer] * 2
    assert len({one["jti"] for one in claims}) == 2
    assert min(len(one["jti"]) for one in claims) >= 43
