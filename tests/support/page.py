"""What a browser without scripts sees of one answer: its fields, its text, its forms and its links."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

from multidict import CIMultiDictProxy
from yarl import URL

REDIRECTS_TO_GET = {301, 302, 303}
REDIRECTS = REDIRECTS_TO_GET | {307, 308}


@dataclass(frozen=True, slots=True)
class Button:
    """What pressing a button of a form adds to it."""

    name: str
    value: str
    label: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A form as a page shows it: its fields without its buttons, in the page's order."""

    action: str
    method: str
    fields: tuple[tuple[str, str], ...]
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A link and its text."""

    href: str
    label: str


class _PageParser(HTMLParser):
    """Collects forms and links; controls outside a form count where their `form` attribute says."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._forms: list[tuple[dict[str, str], list[tuple[str, str]], list[Button]]] = []
        self._links: list[Link] = []
        self._inside = False
        self._open: tuple[str, dict[str, str]] | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._forms.append((attributes, [], []))
            self._inside = True
        elif tag in {"a", "button"}:
            self._open, self._text = (tag, attributes), []
        elif tag == "input":
            self._input(attributes)

    def _input(self, attributes: dict[str, str]) -> None:
        kind = attributes.get("type", "text").lower()
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if (owner := self._owner(attributes)) is None:
            return
        _, fields, buttons = owner
        if kind == "submit":
            buttons.append(Button(name, value, value))
        elif name and not (kind in {"checkbox", "radio"} and "checked" not in attributes):
            fields.append((name, value))

    def _owner(
        self, attributes: dict[str, str]
    ) -> tuple[dict[str, str], list[tuple[str, str]], list[Button]] | None:
        if wanted := attributes.get("form"):
            return next((form for form in self._forms if form[0].get("id") == wanted), None)
        return self._forms[-1] if self._inside else None

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if self._open is None or self._open[0] != tag:
            return
        _, attributes = self._open
        label = " ".join("".join(self._text).split())
        self._open = None
        if tag == "a":
            self._links.append(Link(attributes.get("href", ""), label))
        elif owner := self._owner(attributes):
            name, value = attributes.get("name", ""), attributes.get("value", "")
            owner[2].append(Button(name, value, label, attributes.get("formaction", "")))

    def forms(self) -> list[Form]:
        return [
            Form(
                attributes.get("action", ""),
                attributes.get("method", "get").upper(),
                tuple(fields),
                tuple(buttons),
            )
            for attributes, fields, buttons in self._forms
        ]

    def links(self) -> list[Link]:
        """Those that lead to another page."""
        return [link for link in self._links if not link.href.startswith("#")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer, read whole.

    Args:
        status: the status code.
        url: what was asked for.
        method: how.
        fields: the answer's fields.
        body: the answer's body, its content coding undone.
        initiator: the page that led here, or None for an address typed by a person.
        site: what Sec-Fetch-Site said.
    """

    status: int
    url: URL
    method: str
    fields: CIMultiDictProxy[str]
    body: bytes
    initiator: URL | None
    site: str

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode("utf-8")

    @property
    def location(self) -> URL:
        """Where the answer redirects to, as an absolute URL spelled as it came.

        Raises:
            AssertionError: it does not redirect.
        """
        assert self.status in REDIRECTS, (
            f"{self.url} answered {self.status}, not a redirect: {self.text[:500]}"
        )
        return self.url.join(URL(self.fields["Location"], encoded=True))

    @property
    def forms(self) -> list[Form]:
        """The page's forms."""
        return self._parsed().forms()

    @property
    def links(self) -> list[Link]:
        """The page's links."""
        return self._parsed().links()

    def _parsed(self) -> _PageParser:
        parser = _PageParser()
        parser.feed(self.text)
        parser.close()
        return parser
