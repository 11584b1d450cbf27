"""Claims that are meant to become more than one field: section D8 of the hostile provider."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import unquote

import pytest

from tests.support.alterations import members
from tests.support.stage import Stage

LINE_BREAK: Final = "A\r\nX-ProConnect-Roles: admin\r\n\r\nGET /smuggled HTTP/1.1"
HOSTILE: Final[dict[str, Any]] = {
    "D8 a line break": LINE_BREAK,
    "D8 a line feed": "A\nX-Forged: 1",
    "D8 a carriage return": "A\rX-Forged: 1",
    "D8 a null": "A\0B",
    "D8 a delete": "A\x7fB",
    "D8 an escape": "A\x1b[2JB",
    "D8 a next line of Latin-1": "A\x85X-Forged: 1",
    "D8 a line separator": "A\u2028X-Forged: 1",
    "D8 an object": {"admin": True},
    "D8 nested arrays": [["admin"]],
    "D8 20 kB": "x" * 20_000,
}
KEPT: Final[dict[str, Any]] = {
    "D8+ right to left": "\u202egro.live",
    "D8+ look-alikes": "Élé\u043enore",
    "D8+ commas and semicolons": "Lefèvre, Éléonore; admin=true",
    "D8+ quotes and backslashes": 'a"b\\c',
}


async def received(on_stage: Stage, **claims: object) -> list[tuple[str, str]]:
    """Every field that the application gets of somebody whose userinfo says this."""
    async with on_stage.scene("plain") as scene:
        scene.provider.alter(members("userinfo", **claims))
        page = await scene.sign_in()
        if page.status != 200:
            assert page.status in {403, 502}, page.text[:300]
            return []
        answer = await scene.browser.fetch(scene.gateway.url + "/api/me")
        return [(name, value) for name, value in json.loads(answer.text)]


def values(fields: list[tuple[str, str]], name: str) -> list[str]:
    return [value for field, value in fields if field.lower() == name.lower()]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("claim", ["given_name", "organization_label"])
async def test_an_application_gets_no_more_than_one_clean_value_of_each_field(
    on_stage: Stage, claim: str, name: str
) -> None:
    fields = await received(on_stage, **{claim: HOSTILE[name]})
    for field, value in fields:
        assert "forged" not in field.lower()
        assert value.isascii()
        assert value.isprintable()
        assert len(value) <= 4096, field
    names = [field.lower() for field, _ in fields if field.lower().startswith(("x-proconnect-", "remote-"))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", KEPT)
async def test_text_of_any_language_arrives_as_it_is(on_stage: Stage, name: str) -> None:
    fields = await received(on_stage, organization_label=KEPT[name])
    (value,) = values(fields, "X-ProConnect-Organization-Label")
    assert value.isascii()
    assert unquote(value) == KEPT[name]


@pytest.mark.hostile("D8")
@pytest.mark.parametrize("roles", ["admin", {"admin": True}, [["admin"]], [1, True], 1, True], ids=str)
async def test_a_claim_of_another_type_is_never_taken_for_what_a_rule_wants(
    on_stage: Stage, roles: object
) -> None:
    async with on_stage.scene("for-admins", honest=False) as scene:
        scene.provider.alter(members("userinfo", roles=roles))
        await scene.sign_in()
        page = await scene.browser.navigate(f"{scene.gateway.url}/admins/")
        let_in = roles == "admin"
        assert (page.status != 403) == let_in
        assert ("GET /admins/" in scene.upstream) == let_in
