"""What must still succeed: a gateway that refuses everything would pass all hostile cases."""

from __future__ import annotations

from typing import Final

from tests.support.alterations import ABSENT, id_token, members, says, signed_userinfo

CASES: Final = {
    "D2+ aud an array of us": id_token(aud=lambda aud: [aud]),
    "D2+ azp us": id_token(azp="the-client-of-the-story"),
    "D5+ at_hash absent": id_token(at_hash=ABSENT),
    "B3+ no kid": id_token(header={"kid": ABSENT}),
    "C6+ no typ": id_token(header={"typ": ABSENT}),
    "C6+ typ in another case": id_token(header={"typ": "jwt"}),
    "D3+ a clock ahead": id_token(iat=lambda iat: iat + 25, auth_time=lambda then: then + 25),
    "D3+ a clock behind": id_token(iat=lambda iat: iat - 25, exp=lambda exp: exp - 3600 - 25),
    "D8+ claims that nobody knows": id_token(foo={"bar": [1, 2]}),
    "E2+ token_type in lower case": members("token", token_type="bearer"),
    "E2+ token_type in capitals": members("token", token_type="BEARER"),
    "E3+ expires_in absent": members("token", expires_in=ABSENT),
    "E1+ members that nobody knows": members("token", foo={"bar": [1, 2]}),
    "G2+ userinfo's media type in capitals": says("userinfo", bytes, content_type="Application/JWT"),
    "G5+ userinfo that points elsewhere": signed_userinfo(
        _claim_names={"email": "there"}, _claim_sources={"there": {"endpoint": "http://127.0.0.1:1/claims"}}
    ),
}
