from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.assurance import LEVELS, SETS, in_words
from gateway.access.requirements import Reason
from gateway.errors import Fault
from gateway.web.languages import DEFAULT_LANGUAGE, LANGUAGES, LOCALES, error_text, preferred_language

IN_EACH_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


def sentences(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, str):
            yield f"{path}{key}", value
        else:
            yield from sentences(value, f"{path}{key}.")


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize(
    "accept_language, language",
    [
        (None, "fr"),
        ("", "fr"),
        ("fr", "fr"),
        ("en", "en"),
        ("EN", "en"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-US,en;q=0.9,fr;q=0.8", "en"),
        ("de, en;q=0.5", "en"),
        ("de, it;q=0.5", "fr"),
        ("fr;q=0.2, en;q=0.3", "en"),
        ("fr;q=0.001, en;q=0", "fr"),
        ("en;q=1.000, fr;q=0.999", "en"),
        ("en , fr", "en"),
        ("en ; q=0.4 , fr ; q=0.6", "fr"),
        ("en-GB-oxendict", "en"),
        ("fr-CA;q=0.3, en-IE;q=0.2", "fr"),
        ("*", "fr"),
        ("*;q=0.5, fr;q=0", "en"),
        ("*;q=0.5, fr;q=0.1", "en"),
        ("en;q=0, en-GB", "fr"),
        ("fr;q=0", "fr"),
        ("*;q=0", "fr"),
        ("english", "fr"),
        # What is malformed counts for nothing.
        ("en;q=2, fr;q=0.1", "fr"),
        ("en;q=0.5555, fr;q=0.1", "fr"),
        ("en;q=-1, fr;q=0.1", "fr"),
        ("en;q=nan", "fr"),
        ("en;level=1, fr;q=0.1", "fr"),
        ("en_US", "fr"),
        ("en\x00", "fr"),
        (",,;q=1,;;,en", "en"),
        ("é, en;q=0.1", "en"),
        ("en;q=\u0661", "fr"),
    ],
)
def test_the_best_language_that_there_is_answers(accept_language: str | None, language: str) -> None:
    assert preferred_language(accept_language) == language


@given(st.text() | st.from_regex(r"([a-z*-]{0,9};?q?=?[01]?\.?[0-9]{0,4},? ?){0,40}", fullmatch=True))
def test_any_field_value_finds_a_language(accept_language: str) -> None:
    assert preferred_language(accept_language) in LANGUAGES


@pytest.mark.parametrize("junk", ["de,", "a-" * 4, " ", ";q=", "x" * 9 + ","])
def test_what_stands_far_behind_in_a_field_is_not_read(junk: str) -> None:
    assert preferred_language(junk * 250_000 + "en") == DEFAULT_LANGUAGE


def test_french_comes_first() -> None:
    assert LANGUAGES[0] == "fr"
    assert set(LANGUAGES) == {"fr", "en"}


@IN_EACH_LANGUAGE
def test_a_locale_has_exactly_the_sentences_of_the_default(language: str) -> None:
    assert dict(sentences(LOCALES[language])).keys() == dict(sentences(LOCALES[DEFAULT_LANGUAGE])).keys()


@IN_EACH_LANGUAGE
def test_a_sentence_is_neither_empty_nor_asks_for_an_unknown_name(language: str) -> None:
    for path, sentence in sentences(LOCALES[language]):
        assert sentence.strip() == sentence != "", path
        known = {"name"} if path == "common.named_service" else {"service", "provider"}
        assert places(sentence) <= known, path


@IN_EACH_LANGUAGE
@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_a_title_an_explanation_a_next_step_and_a_button(fault: Fault, language: str) -> None:
    assert LOCALES[language]["error"][error_text(fault)].keys() == {
        "title",
        "explanation",
        "next_step",
        "button",
    }


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.UNEXPECTED])
def test_only_the_unexpected_is_explained_as_unexpected(fault: Fault) -> None:
    assert error_text(fault) != "unexpected"


def test_every_explanation_has_a_fault() -> None:
    assert {error_text(fault) for fault in Fault} == LOCALES[DEFAULT_LANGUAGE]["error"].keys()


def test_every_reason_to_refuse_has_its_refusal() -> None:
    granted = {Reason.PUBLIC, Reason.OPTIONAL, Reason.SIGNED_IN}
    assert set(Reason) - granted <= LOCALES[DEFAULT_LANGUAGE]["refusal"].keys()


@IN_EACH_LANGUAGE
def test_every_level_and_every_set_that_has_a_name_is_called_something(language: str) -> None:
    sets = {name for members in SETS.values() for name in in_words(members)}
    assert sets | set(LEVELS) == LOCALES[language]["levels"].keys()


def test_every_refusal_has_a_reason() -> None:
    assert LOCALES[DEFAULT_LANGUAGE]["refusal"].keys() <= {*Reason, "unexpected"}


@IN_EACH_LANGUAGE
def test_every_refusal_has_a_title_an_explanation_and_a_next_step(language: str) -> None:
    for texts in LOCALES[language]["refusal"].values():
        assert texts.keys() == {"title", "explanation", "next_step"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault.KEY_UNKNOWN,
        Fault.KEYS_MALFORMED,
        Fault.TOKEN_ERROR,
        Fault.ID_TOKEN_NONCE,
        Fault.ID_TOKEN_SIGNATURE,
        Fault.USERINFO_SUB,
        Fault.RESPONSE_ISS,
    ],
)
def test_an_answer_that_cannot_be_believed_is_explained_without_its_detail(fault: Fault) -> None:
    assert error_text(fault) == "unverified"


def test_french_is_set_as_french() -> None:
    """Narrow no-break spaces inside guillemets and before high punctuation; typographic apostrophes."""
    for path, sentence in sentences(LOCALES["fr"]):
        assert not re.search("[^\u202f][;:!?»]|«[^\u202f]", sentence), path
        if path != "sign_in.proconnect_login":  # the provider's own label, to the letter
            assert "'" not in sentence, path


def test_english_is_set_as_english() -> None:
    for path, sentence in sentences(LOCALES["en"]):
        assert not re.search(r"['\"]|\s[;:!?]", sentence), path
