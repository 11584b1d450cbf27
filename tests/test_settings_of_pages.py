"""The settings of the pages: what may stand there, what becomes of it, and each fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.branding import branding_of
from gateway.settings.faults import SettingsError
from gateway.settings.load import load
from gateway.settings.model import Settings
from gateway.web.branding import Conformity, Link, Theme

BASE = """
[gateway]
public_url = "https://demarches.example.gouv.fr"
[provider]
profile = "proconnect"
environment = "integration"
client_id = "client"
client_secret = "0123456789abcdef0123456789abcdef"
"""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>'


def load_with(folder: Path, pages: str = "", page: str = "") -> Settings:
    path = folder / "gateway.toml"
    path.write_text(
        f'{BASE}\n[pages]\n{pages}\n[[apps]]\nupstream = "http://legacy:80"\n[apps.page]\n{page}\n'
    )
    return load(path, {})


def faults_of(folder: Path, pages: str = "", page: str = "") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_with(folder, pages, page)
    return [str(fault).replace(str(folder), "FOLDER") for fault in caught.value.faults]


def put(folder: Path, files: dict[str, bytes | str]) -> str:
    """Write files; the folder as it is written in TOML."""
    for name, content in files.items():
        path = folder / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return json.dumps(str(folder / "own"))


def test_an_app_has_its_own_settings_and_the_common_ones_for_the_rest(tmp_path: Path) -> None:
    settings = load_with(
        tmp_path,
        'organisation = ["Préfecture", "du Morbihan"]\nlegal_notice = "/mentions"\nconformity = "partial"',
        'legal_notice = "https://example.fr/mentions"\nother_ways = [{ label = "Local", url = "/local" }]',
    )
    branding = branding_of(settings, settings.apps[0])
    assert branding.organisation == ("Préfecture", "du Morbihan")
    assert branding.legal_notice == "https://example.fr/mentions"
    assert branding.conformity is Conformity.PARTIAL
    assert branding.other_ways == (Link("Local", "/local"),)
    assert (branding.theme, branding.language) == (Theme.NEUTRAL, "fr")
    elsewhere = branding_of(settings, None)
    assert (elsewhere.legal_notice, elsewhere.other_ways) == ("/mentions", ())


@pytest.mark.parametrize(
    "pages, fault",
    [
        ('theme = "marianne"', 'pages.theme: must be one of "neutral", "dsfr", got "marianne"'),
        ('language = "FR"', 'pages.language: must be a language in lower case, such as "fr", got "FR"'),
        ('conformity = "yes"', 'pages.conformity: must be one of "full", "partial", "none", got "yes"'),
        ('color = "#000000"', "pages.color: unknown setting; remove it"),
        ("organisation = []", "pages.organisation: must not be empty, got []"),
        ('notice = " "', "pages.notice: must be text of at most 4000 characters, not empty"),
    ],
)
def test_what_cannot_be_is_a_fault(tmp_path: Path, pages: str, fault: str) -> None:
    assert faults_of(tmp_path, pages) == [fault]


@pytest.mark.parametrize(
    "colour",
    [
        "red",
        "#fff",
        "2d2db4",
        "#2d2db4;background:url(https://evil.example)",
        "#2d2db4}body{display:none",
        "rgb(0,0,0)",
        "var(--x)",
        "#2d2db\\u0034\\u0000",
    ],
)
def test_only_six_hexadecimal_digits_are_a_colour(tmp_path: Path, colour: str) -> None:
    (fault,) = faults_of(tmp_path, f'accent = "{colour}"')
    assert fault.startswith('pages.accent: must be a colour such as "#2d2db4"')


def test_a_colour_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, 'accent = "#ffcc00"')
    assert fault == (
        'pages.accent: cannot be read on the pages: its contrast is 1.4, got "#ffcc00"; '
        "take a darker one, 4.5 or more"
    )


@pytest.mark.parametrize(
    "target",
    ["http://example.fr", "//example.fr", "/\\\\example.fr", "javascript:1", "https://", "mentions", "/a b"],
)
def test_a_link_leads_nowhere_unsafe(tmp_path: Path, target: str) -> None:
    text = f'legal_notice = "{target}"\nother_ways = [{{ label = "Local", url = "{target}" }}]'
    problem = "must be an https URL, or a path"
    for fault, place in zip(faults_of(tmp_path, text), ("other_ways[0].url", "legal_notice"), strict=True):
        assert fault.startswith(f"pages.{place}: {problem}")


@pytest.mark.parametrize(
    "name, content, problem",
    [
        ("logo.gif", b"GIF89a", "must name an image that ends with .svg, .png, .jpg or .webp"),
        ("lo go.png", PNG, "must name an image that ends with"),
        ("logo.png", SVG, "is not what its name says, a file of type image/png"),
        ("logo.svg", PNG, "is not what its name says, a file of type image/svg+xml"),
        ("logo.png", PNG + bytes(256 * 1024), "is larger than 256 KiB"),
        ("logo.svg", SVG.replace(b"<path", b"<script>alert(1)</script><path"), "holds a script"),
        ("logo.svg", SVG.replace(b"<path", b'<path onload="alert(1)"'), "holds a script"),
        ("logo.svg", b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG, "holds a script"),
        ("missing.svg", None, "cannot be read: No such file or directory"),
    ],
)
def test_an_image_is_small_passive_and_what_its_name_says(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    put(tmp_path, {name: content} if content else {})
    (fault,) = faults_of(tmp_path, f'logo = "{tmp_path}/own/{name}"')
    assert fault.startswith(f"pages.logo: {problem}")


@pytest.mark.parametrize("name, content", [("logo.svg", SVG), ("logo.png", PNG)])
def test_an_image_is_read_once(tmp_path: Path, name: str, content: bytes) -> None:
    put(tmp_path, {name: content})
    settings = load_with(tmp_path, page=f'logo = "{tmp_path}/own/{name}"')
    (tmp_path / "own" / name).unlink()
    logo = branding_of(settings, settings.apps[0]).logo
    assert logo is not None
    assert logo.content == content


def test_a_language_is_laid_over_those_that_there_are(tmp_path: Path) -> None:
    folder = put(tmp_path, {"de.toml": '[sign_in]\ntitle = "Anmeldung bei {provider}"\n', "en.toml": ""})
    locales = load_with(tmp_path, f"locales_dir = {folder}").pages.locales_dir
    assert locales is not None
    assert locales["de"]["sign_in"]["title"] == "Anmeldung bei {provider}"
    assert locales["de"]["sign_in"]["purpose"] == locales["fr"]["sign_in"]["purpose"]
    assert locales["en"]["sign_in"]["title"] == "Sign in"


LANGUAGE_FAULTS: list[tuple[dict[str, bytes | str], list[str]]] = [
    ({}, ["cannot be read: No such file or directory, got "]),
    ({"de.txt": ""}, ["de.txt is not a .toml file; remove it"]),
    ({"German.toml": ""}, ['German.toml is named after no language; name it such as "de.toml"']),
    ({"de.toml": "["}, ["de.toml is not TOML"]),
    ({"de.toml": b"\xff"}, ["de.toml is not UTF-8"]),
    (
        {"de.toml": '[sign_inn]\na = "x"\n[common]\nhomme = "x"\nhelp = ""\nhome = "{user}"\nerror = "{"'},
        [
            'de.toml: sign_inn is no sentence of the pages; did you mean "sign_in"?',
            'de.toml: common.homme is no sentence of the pages; did you mean "home"?',
            "de.toml: common.help must be text, not empty, at most 1000 characters",
            "de.toml: common.home asks for {user}; it may ask for {service} and {provider}",
            "de.toml: common.error asks for {{}; it may ask for {service} and {provider}",
        ],
    ),
    (
        {"de.toml": '[sign_in]\ntitle = "{service.__class__}"\npurpose = "{provider!r}"\n'},
        [
            "de.toml: sign_in.title asks for {service.__class__}; it may ask for {service} and {provider}",
            "de.toml: sign_in.purpose asks for {provider!r}; it may ask for {service} and {provider}",
        ],
    ),
    ({"de.toml": "sign_in = 1"}, ["de.toml: sign_in must be a table"]),
]


@pytest.mark.parametrize("files, problems", LANGUAGE_FAULTS, ids=lambda value: str(value)[:40])
def test_every_fault_of_a_language_is_told(
    tmp_path: Path, files: dict[str, bytes | str], problems: list[str]
) -> None:
    folder = put(tmp_path, files)
    faults = faults_of(tmp_path, f"locales_dir = {folder}")
    assert len(faults) == len(problems)
    for fault, problem in zip(faults, problems, strict=True):
        assert fault.startswith(f"pages.locales_dir: {problem}")


def test_own_templates_stand_in_for_the_gateways_and_may_extend_them(tmp_path: Path) -> None:
    folder = put(
        tmp_path,
        {
            "layout.html": '{% extends "gateway/layout.html" %}{% block head %}'
            '<link rel="stylesheet" href="{{ asset(\'own.css\') }}">{% endblock %}',
            "assets/own.css": "body { background: url(paper.png) }",
            "assets/paper.png": PNG,
        },
    )
    settings = load_with(tmp_path, f"templates_dir = {folder}")
    templates = branding_of(settings, settings.apps[0]).templates
    style, image = sorted(templates.assets, key=lambda asset: asset.name)
    assert image.served_name in style.content.decode()


TEMPLATE_FAULTS: list[tuple[dict[str, bytes | str], str]] = [
    ({"signin.html": ""}, "signin.html stands in for no page; the pages have "),
    ({"error.html": "{% if %}"}, "error.html line 1: "),
    ({"error.html": "{{ nobody }}"}, "a template cannot be filled in: 'nobody' is undefined; compare it"),
    ({"error.html": "{{ asset('x.css') }}"}, "a template asks for the file 'x.css', which is not there"),
    ({"error.html": "{% include 'x.html' %}"}, "a template cannot be filled in: "),
    ({"error.html": b"\xff"}, "error.html is not UTF-8"),
    ({"script.js": ""}, "script.js is not a .html file; remove it"),
    (
        {"_part.html": "", "assets/script.js": ""},
        "assets/script.js is of no type that pages can use; remove it",
    ),
]


@pytest.mark.parametrize("files, problem", TEMPLATE_FAULTS, ids=lambda value: str(value)[:40])
def test_a_template_that_does_not_work_is_a_fault(
    tmp_path: Path, files: dict[str, bytes | str], problem: str
) -> None:
    folder = put(tmp_path, files)
    (fault,) = faults_of(tmp_path, page=f"templates_dir = {folder}")
    assert fault.startswith(f"apps[0].page.templates_dir: {problem}")


def test_the_state_s_colours_are_not_for_changing(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, page='theme = "dsfr"\naccent = "#2d2db4"')
    assert faults == [
        "apps[0].page: sets an accent, but the dsfr theme has the State's own colours; remove accent"
    ]
