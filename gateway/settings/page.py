"""The settings of the pages: how they look, whose they are, what they link to.

The files that they name are read here, once: what is wrong with one is a fault like any other, and later
changes on the disk change nothing until the settings are read anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from gateway.settings.faults import wrong, wrong_each
from gateway.settings.values import FromText, Section, Some, Text
from gateway.web.assets import CONTENT_TYPES, Asset, linked
from gateway.web.branding import Templates, Theme
from gateway.web.colours import COLOUR, LIGHT_BEHIND, Accent, contrast, readable_on_light
from gateway.web.page_templates import THEME_ASSETS
from gateway.web.samples import template_problems
from gateway.web.translations import Locales, read_locales

_LARGEST_IMAGE = 256 * 1024
_LARGEST_FILE = 1024 * 1024
_MOST_FILES = 100
_LONGEST_NOTICE = 4_000

_LINK = re.compile(r"https://[^\s/]\S*|/(?![/\\])\S*", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")

# The first octets of each kind of image: the end of a name alone does not make one.
_BEGINNINGS: Mapping[str, Callable[[bytes], bool]] = {
    ".png": lambda content: content.startswith(b"\x89PNG\r\n\x1a\n"),
    ".jpg": lambda content: content.startswith(b"\xff\xd8\xff"),
    ".webp": lambda content: content.startswith(b"RIFF") and content[8:12] == b"WEBP",
    ".svg": lambda content: b"<svg" in content[:2_000],
}
_ACTIVE_SVG = re.compile(rb"<script|<foreignObject|\bon[a-z]+\s*=|javascript:|<!ENTITY", re.IGNORECASE)


def _link(text: str) -> str:
    if not _LINK.fullmatch(text) or not text.isprintable() or not _has_host(text):
        raise wrong('must be an https URL, or a path on the same host such as "/mentions-legales"')
    return text


def _has_host(text: str) -> bool:
    try:
        return text.startswith("/") or bool(urlsplit(text).hostname)
    except ValueError:
        return False


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise wrong('must be a language in lower case, such as "fr"')
    return text


def _accent(text: str) -> Accent:
    colour = text.lower()
    if not COLOUR.fullmatch(colour):
        raise wrong('must be a colour such as "#2d2db4", a number sign and six hexadecimal digits')
    if not readable_on_light(colour):
        found = min(contrast(colour, behind) for behind in LIGHT_BEHIND)
        raise wrong(
            f"cannot be read on the pages: its contrast is {found:.1f}", "take a darker one, 4.5 or more"
        )
    return Accent(colour)


def _notice(text: str) -> str:
    lines = text.strip().splitlines()
    if not lines or len(text) > _LONGEST_NOTICE or not all(line.isprintable() for line in lines):
        raise wrong(f"must be text of at most {_LONGEST_NOTICE} characters, not empty", got="")
    return "\n".join(lines)


def read_image(text: str) -> Asset:
    """Read an image: SVG, PNG, JPEG or WebP, small, and with nothing in it that acts."""
    path = _path(text)
    begins_well = _BEGINNINGS.get(path.suffix)
    if begins_well is None or not _FILE_NAME.fullmatch(path.name):
        raise wrong(
            "must name an image that ends with .svg, .png, .jpg or .webp, in plain letters and digits"
        )
    content = _read(path, most=_LARGEST_IMAGE)
    if not begins_well(content):
        raise wrong(f"is not what its name says, a file of type {CONTENT_TYPES[path.suffix]}")
    if path.suffix == ".svg" and _ACTIVE_SVG.search(content):
        raise wrong("holds a script or something else that acts", "export it as a plain image")
    return Asset(path.name, content)


def _path(text: str) -> Path:
    if not text or not text.isprintable():
        raise wrong("must be a path")
    return Path(text)


def _read(path: Path, *, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise wrong(
            f"cannot be read: {error.strerror}", "check the path, and that the gateway's user may read it"
        ) from None
    if len(content) > most:
        raise wrong(f"is larger than {most // 1024} KiB", "make it smaller")
    return content


def _files_in(folder: Path) -> list[Path]:
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise wrong(
            f"cannot be read: {error.strerror}", "name a folder that the gateway's user may read"
        ) from None
    if len(files) > _MOST_FILES:
        raise wrong(f"holds more than {_MOST_FILES} files", "name a folder of its own")
    return files


def _texts_in(folder: Path, suffix: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The texts of a folder by their file's name, and what is wrong with the others."""
    texts, problems = dict[str, str](), list[tuple[str, str]]()
    for path in _files_in(folder):
        if path.suffix != suffix:
            problems.append((f"{path.name} is not a {suffix} file", "remove it"))
            continue
        try:
            texts[path.name] = _read(path, most=_LARGEST_FILE).decode()
        except UnicodeDecodeError:
            problems.append((f"{path.name} is not UTF-8", ""))
    return texts, problems


def read_own_templates(text: str) -> Templates:
    """Read a folder of templates, and of the files in its `assets` that they refer to; each must work."""
    folder = _path(text)
    sources, problems = _texts_in(folder, ".html")
    assets = list[Asset]()
    for path in _files_in(folder / "assets") if (folder / "assets").exists() else ():
        if path.suffix in CONTENT_TYPES and _FILE_NAME.fullmatch(path.name):
            assets.append(Asset(path.name, _read(path, most=_LARGEST_FILE)))
        else:
            problems.append((f"assets/{path.name} is of no type that pages can use", "remove it"))
    if not sources and not problems:
        raise wrong("holds no template", "put one there, such as layout.html")
    try:
        templates = Templates(tuple(sorted(sources.items())), linked(assets))
    except UnicodeDecodeError:
        raise wrong("holds a style that is not UTF-8") from None
    problems += template_problems(templates)
    if problems:
        raise wrong_each(problems)
    return templates


def read_own_locales(text: str) -> Locales:
    """Read a folder of languages: a file for each, named after it, such as `de.toml`."""
    texts, problems = _texts_in(_path(text), ".toml")
    if not texts and not problems:
        raise wrong("holds no language", "put one there, such as de.toml")
    locales, more = read_locales({name.removesuffix(".toml"): content for name, content in texts.items()})
    if problems or more:
        raise wrong_each([*problems, *more])
    return locales


LinkTarget = Annotated[str, FromText(_link, "an https URL or a path")]
Language = Annotated[str, FromText(_language, "a language", pattern=f"^{_LANGUAGE.pattern}$")]
Colour = Annotated[Accent, FromText(_accent, "a colour", pattern="^#[0-9A-Fa-f]{6}$")]
Notice = Annotated[str, FromText(_notice, "text")]
Image = Annotated[Asset, FromText(read_image, "the path of an image")]
TemplatesFolder = Annotated[Templates, FromText(read_own_templates, "the path of a folder")]
LocalesFolder = Annotated[Locales, FromText(read_own_locales, "the path of a folder")]


class Way(Section):
    """A way into the application other than the provider."""

    label: Text = Field(examples=["Se connecter avec un compte local"])
    url: LinkTarget = Field(examples=["/connexion-locale"])


class Page(Section):
    """How the pages of one app look, where that differs from `Pages`; what is left out does not."""

    theme: Theme | None = None
    language: Language | None = None
    organisation: Annotated[tuple[Text, ...], Some] | None = None
    logo: Image | None = None
    logo_alt: Text | None = None
    accent: Colour | None = None
    proconnect_mark: Image | None = None
    notice: Notice | None = None
    other_ways: Annotated[tuple[Way, ...], Some] | None = None
    legal_notice: LinkTarget | None = None
    accessibility: LinkTarget | None = None
    conformity: Literal["full", "partial", "none"] | None = None
    personal_data: LinkTarget | None = None
    templates_dir: TemplatesFolder | None = None

    @model_validator(mode="after")
    def _theme_fits(self) -> Self:
        if self.theme is Theme.DSFR and self.accent is not None:
            raise wrong("sets an accent, but the dsfr theme has the State's own colours", "remove accent")
        if self.theme is Theme.DSFR and not THEME_ASSETS[Theme.DSFR]:
            raise wrong(
                "asks for the dsfr theme, which is not built here",
                'build it with "make dsfr" or the image\'s build argument THEME=dsfr (docs/pages.md)',
            )
        return self


class Pages(Page):
    """How the pages look, for every app that does not say otherwise."""

    theme: Theme = Theme.NEUTRAL
    language: Language = "fr"
    locales_dir: LocalesFolder | None = None

    def of(self, page: Page) -> dict[str, Any]:
        """Each setting of one app's pages, its own before these."""
        own = {name: value for name, value in page if value is not None}
        return {name: own.get(name, getattr(self, name)) for name in Page.model_fields}
