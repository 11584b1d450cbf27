from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright

from gateway.errors import Fault
from gateway.web.branding import Branding
from gateway.web.languages import LANGUAGES, LOCALES
from gateway.web.pages import CONTENT_SECURITY_POLICY, Levels, Pages

PAGES: Final = Pages()
ASSETS: Final = PAGES.assets
ASSETS_PATH: Final = "/_gateway/assets/"
BRANDING: Final = Branding(
    service_name="Démarches du Morbihan",
    contact="aide@morbihan.example.gouv.fr",
    who_may_enter="Les agents de la préfecture du Morbihan.",
)
PLAIN: Final = Branding()


def error(
    language: str = "fr",
    branding: Branding = BRANDING,
    *,
    fault: Fault = Fault.UPSTREAM_SLOW,
    retry_url: str | None = "/again",
    request_id: str = "01JDREQUEST",
) -> str:
    return PAGES.error(
        language, branding=branding, fault=fault, status=504, request_id=request_id, retry_url=retry_url
    )


def refusal(
    language: str = "fr",
    branding: Branding = BRANDING,
    *,
    reason: str = "acr-too-low",
    person: str | None = "eleonore@example.gouv.fr",
    organisation: str | None = "Ville de Vannes",
    request_id: str = "01JDREQUEST",
    sentence: str | None = None,
    levels: Levels | None = None,
) -> str:
    return PAGES.refusal(
        language,
        branding=branding,
        reason=reason,
        person=person,
        organisation=organisation,
        request_id=request_id,
        sign_out_path="/_gateway/sign-out",
        sentence=sentence,
        levels=levels,
    )


TOO_LOW: Final = Levels(asked=("mfa",), came="eidas1", still_signed_in=True, retry_url="/again")

EVERY_PAGE: Final[dict[str, Callable[[str, Branding], str]]] = {
    "sign-in": lambda language, branding: PAGES.sign_in(language, branding=branding, sign_in_url="/in"),
    "sign-out": lambda language, branding: PAGES.sign_out(
        language, branding=branding, sign_out_path="/out", here_path="/here", return_url="/"
    ),
    "signed-out": lambda language, branding: PAGES.signed_out(
        language, branding=branding, provider_too=False, home_url="/"
    ),
    "signed-out-everywhere": lambda language, branding: PAGES.signed_out(
        language, branding=branding, provider_too=True, home_url="/"
    ),
    "onward": lambda language, branding: PAGES.onward(
        language, branding=branding, url="https://op.example/end?state=a&post_logout_redirect_uri=b"
    ),
    "error": error,
    "error-without-retry": lambda language, branding: error(language, branding, retry_url=None),
    "refusal": refusal,
    "refusal-for-all": lambda language, branding: refusal(language, branding, reason="route-denied"),
    "refusal-for-a-level": lambda language, branding: refusal(language, branding, levels=TOO_LOW),
    "refusal-for-a-level-of-nobody": lambda language, branding: refusal(
        language,
        branding,
        person=None,
        organisation=None,
        levels=replace(TOO_LOW, came=None, still_signed_in=False),
    ),
    "refusal-of-nobody": lambda language, branding: refusal(
        language, branding, person=None, organisation=None
    ),
}

ON_EVERY_PAGE: Final = pytest.mark.parametrize("page", EVERY_PAGE)
IN_EACH_LANGUAGE: Final = pytest.mark.parametrize("language", LANGUAGES)
BRANDED_OR_NOT: Final = pytest.mark.parametrize("branding", [BRANDING, PLAIN], ids=["branded", "plain"])


class Document(HTMLParser):
    """The elements of a page in their order, each with its attributes and all the text in it."""

    VOID: Final = frozenset({"meta", "link", "img", "wbr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element: tuple[str, dict[str, str | None], list[str]] = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in self.VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, text in self.open:
            text.append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [
            (attrs, " ".join("".join(text).split())) for name, attrs, text in self.elements if name == tag
        ]

    def one(self, tag: str) -> tuple[dict[str, str | None], str]:
        (element,) = self.all(tag)
        return element

    def main_action(self) -> tuple[dict[str, str | None], str]:
        """The one link or button that looks like a button."""
        (element,) = [
            e for tag in ("a", "button") for e in self.all(tag) if e[0].get("class") == "action fr-btn"
        ]
        return element


def common(key: str, language: str = "fr") -> str:
    return str(LOCALES[language]["common"][key])


@ON_EVERY_PAGE
@IN_EACH_LANGUAGE
@BRANDED_OR_NOT
def test_a_page_has_its_language_one_heading_its_landmarks_and_a_title(
    page: str, language: str, branding: Branding
) -> None:
    document = Document(EVERY_PAGE[page](language, branding))
    assert document.one("html")[0] == {"lang": language, "dir": "ltr"}
    heading = document.one("h1")[1]
    assert heading
    assert document.one("title")[1].startswith(f"{heading} ")
    for landmark in ("header", "main"):
        document.one(landmark)


@ON_EVERY_PAGE
@IN_EACH_LANGUAGE
@BRANDED_OR_NOT
def test_a_page_needs_nothing_that_the_content_security_policy_forbids(
    page: str, language: str, branding: Branding
) -> None:
    for tag, attrs, _ in Document(EVERY_PAGE[page](language, branding)).elements:
        assert tag not in {"script", "style", "iframe", "object", "embed", "base"}
        assert not any(name == "style" or name.startswith("on") for name in attrs)


@ON_EVERY_PAGE
def test_a_page_refers_to_assets_that_there_are(page: str) -> None:
    document = Document(EVERY_PAGE[page]("fr", BRANDING))
    images = [attrs["src"] for attrs, _ in document.all("img")]
    links = [attrs["href"] for attrs, _ in document.all("link")]
    assert images
    assert links
    for address in (*images, *links):
        assert address is not None
        assert address.removeprefix(ASSETS_PATH) in ASSETS


def test_assets_are_looked_for_where_they_are_served() -> None:
    html = Pages("/elsewhere/").sign_out(
        "fr", branding=PLAIN, sign_out_path="/out", here_path="/here", return_url="/"
    )
    assert all(str(attrs["src"]).startswith("/elsewhere/") for attrs, _ in Document(html).all("img"))


@ON_EVERY_PAGE
@IN_EACH_LANGUAGE
@BRANDED_OR_NOT
def test_a_page_is_no_dead_end(page: str, language: str, branding: Branding) -> None:
    document = Document(EVERY_PAGE[page](language, branding))
    if page == "sign-in":
        assert any(attrs.get("href") == "/in" for attrs, _ in document.all("a"))
    else:
        assert document.main_action()[1]


@ON_EVERY_PAGE
@IN_EACH_LANGUAGE
def test_a_page_names_the_service_and_its_contact(page: str, language: str) -> None:
    document = Document(EVERY_PAGE[page](language, BRANDING))
    assert document.one("header")[1] == BRANDING.service_name
    (href,) = [str(attrs["href"]) for attrs, text in document.all("a") if text == BRANDING.contact]
    assert href.partition("?")[0] == "mailto:aide@morbihan.example.gouv.fr"


@pytest.mark.parametrize(
    "contact, href",
    [
        ("aide+service@example.gouv.fr", "mailto:aide+service@example.gouv.fr"),
        ("a?subject=b&cc=c@example.gouv.fr", "mailto:a%3Fsubject%3Db%26cc%3Dc@example.gouv.fr"),
        ("https://aide.example.gouv.fr/", "https://aide.example.gouv.fr/"),
        ("http://aide.example.gouv.fr/", None),
        ("javascript:alert(1)", None),
        ("javascript:alert(1)//@example.gouv.fr", None),
        ("data:text/html,x@y", None),
        ("poste 4012", None),
    ],
)
def test_only_an_address_that_is_safe_to_follow_becomes_a_link(contact: str, href: str | None) -> None:
    document = Document(error(branding=Branding(contact=contact)))
    links = [str(attrs["href"]).partition("?")[0] for attrs, _ in document.all("a") if not attrs.get("class")]
    assert links == ([href] if href else [])
    assert contact.removeprefix("https://").rstrip("/") in document.one("main")[1]


HOSTILE: Final = "\"'><script>alert(1)</script>{{ 7 * 7 }}{service}{0.__class__}%s&lt;"


@pytest.mark.parametrize(
    "html",
    [
        PAGES.sign_in("fr", branding=Branding(service_name=HOSTILE), sign_in_url="/in"),
        PAGES.sign_in("fr", branding=Branding(contact=HOSTILE), sign_in_url="/in"),
        PAGES.sign_in("fr", branding=Branding(who_may_enter=HOSTILE), sign_in_url="/in"),
        PAGES.sign_in("fr", branding=Branding(provider_name=HOSTILE), sign_in_url="/in"),
        error(request_id=HOSTILE),
        refusal(person=HOSTILE),
        refusal(organisation=HOSTILE),
        refusal(sentence=HOSTILE),
        refusal(levels=replace(TOO_LOW, asked=(HOSTILE,))),
        refusal(levels=replace(TOO_LOW, came=HOSTILE)),
        refusal(request_id=HOSTILE),
    ],
    ids=[
        "service",
        "contact",
        "who",
        "provider",
        "error-id",
        "person",
        "organisation",
        "sentence",
        "asked",
        "came",
        "refusal-id",
    ],
)
def test_what_others_wrote_is_shown_as_they_wrote_it_and_nothing_more(html: str) -> None:
    document = Document(html)
    assert document.all("script") == []
    assert HOSTILE in document.one("main")[1]


@pytest.mark.parametrize(
    "html",
    [
        PAGES.sign_in("fr", branding=PLAIN, sign_in_url=HOSTILE),
        PAGES.sign_out("fr", branding=PLAIN, sign_out_path=HOSTILE, here_path="/here", return_url="/"),
        PAGES.sign_out("fr", branding=PLAIN, sign_out_path="/out", here_path="/here", return_url=HOSTILE),
        PAGES.signed_out("fr", branding=PLAIN, provider_too=True, home_url=HOSTILE),
        PAGES.onward("fr", branding=PLAIN, url=HOSTILE),
        error(retry_url=HOSTILE),
    ],
    ids=["sign-in", "sign-out", "return", "home", "onward", "retry"],
)
def test_an_address_cannot_leave_its_attribute(html: str) -> None:
    elements = Document(html).elements
    assert "script" not in {tag for tag, _, _ in elements}
    assert HOSTILE in {value for _, attrs, _ in elements for value in attrs.values()}


@pytest.mark.parametrize("field", ["person", "organisation"])
def test_an_endless_value_is_cut(field: str) -> None:
    assert len(refusal(**{field: "x" * 1_000_000})) < 10_000  # type: ignore[arg-type] # one of the two texts


@IN_EACH_LANGUAGE
@pytest.mark.parametrize("fault", Fault)
def test_an_error_page_names_no_detail_of_the_fault(fault: Fault, language: str) -> None:
    main = Document(error(language, fault=fault)).one("main")[1]
    assert not re.search(r"token|userinfo|issuer|signature|nonce|\bkeys?\b|upstream", main, re.IGNORECASE)


@IN_EACH_LANGUAGE
def test_an_error_page_shows_the_reference_and_the_status(language: str) -> None:
    main = Document(error(language)).one("main")[1]
    assert f"01JDREQUEST ({common('error', language)} 504)" in main


@pytest.mark.parametrize(
    "retry_url, href, label",
    [
        ("/page?a=1&b=2", "/page?a=1&b=2", LOCALES["fr"]["error"]["upstream-slow"]["button"]),
        ("/", "/", common("home")),
        (None, "/", common("home")),
    ],
)
def test_the_button_of_an_error_page_says_where_it_leads(
    retry_url: str | None, href: str, label: str
) -> None:
    attrs, text = Document(error(retry_url=retry_url)).main_action()
    assert (attrs["href"], text) == (href, " ".join(label.split()))


def test_where_no_service_is_no_home_page_is_offered() -> None:
    document = Document(error(branding=PLAIN, fault=Fault.HOST_UNKNOWN, retry_url=None))
    assert [attrs["href"] for attrs, _ in document.all("a")] == ["#content"]
    assert LOCALES["fr"]["error"]["host"]["next_step"].split()[0] in document.one("main")[1]


def test_two_faults_that_a_person_need_not_tell_apart_give_the_same_page() -> None:
    assert error(fault=Fault.ID_TOKEN_NONCE) == error(fault=Fault.USERINFO_SUB)


@IN_EACH_LANGUAGE
def test_a_refusal_shows_the_account_its_organisation_and_the_reference(language: str) -> None:
    document = Document(refusal(language))
    assert [text for _, text in document.all("dd")] == ["eleonore@example.gouv.fr", "Ville de Vannes"]
    assert "01JDREQUEST" in document.one("main")[1]


def test_a_refusal_offers_first_to_come_back_with_another_account() -> None:
    document = Document(refusal())
    assert document.one("form")[0] == {
        "class": "actions",
        "method": "post",
        "action": "/_gateway/sign-out",
    }
    assert document.main_action() == ({"class": "action fr-btn", "type": "submit"}, common("other_account"))


def test_where_no_account_would_help_the_home_page_comes_first() -> None:
    document = Document(refusal(reason="route-denied"))
    assert document.main_action()[0]["href"] == "/"
    assert document.one("button")[1] == common("other_account")


@IN_EACH_LANGUAGE
def test_the_administrators_sentence_stands_in_place_of_the_usual_one(language: str) -> None:
    html = refusal(language, reason="other-organisation", sentence="Réservé aux agents du Morbihan.")
    assert Document(html).all("p")[1][1] == "Réservé aux agents du Morbihan."
    assert LOCALES[language]["refusal"]["other-organisation"]["explanation"].split("{")[0] not in html


@IN_EACH_LANGUAGE
@pytest.mark.parametrize(
    "asked, came, shown",
    [
        (("mfa",), "eidas1", ["mfa", "eidas1"]),
        (("eidas2", "eidas3"), None, ["eidas2", "eidas3", None]),
        (("urn:x:<b>",), "https://fi.example/very-sure", ["urn:x:<b>", "https://fi.example/very-sure"]),
    ],
)
def test_a_level_that_is_too_low_is_shown_beside_the_one_asked_for(
    asked: tuple[str, ...], came: str | None, shown: list[str | None], language: str
) -> None:
    html = refusal(language, person=None, organisation=None, levels=replace(TOO_LOW, asked=asked, came=came))
    names = LOCALES[language]["levels"]
    expected = [
        common("level_unknown", language) if name is None else names.get(name, name) for name in shown
    ]
    assert [text for _, text in Document(html).all("dd")] == expected


def test_a_level_is_tried_again_first_and_the_account_changed_second() -> None:
    document = Document(refusal(levels=TOO_LOW))
    assert document.main_action() == ({"class": "action fr-btn", "href": "/again"}, common("try_again"))
    assert document.one("button") == (
        {"class": "plain fr-btn fr-btn--tertiary", "type": "submit"},
        common("other_account"),
    )
    assert common("still_signed_in") in document.one("main")[1]


def test_who_is_not_signed_in_is_not_told_to_be() -> None:
    document = Document(refusal(levels=replace(TOO_LOW, still_signed_in=False)))
    assert document.all("form") == []
    assert common("still_signed_in") not in document.one("main")[1]
    assert "/" in [attrs["href"] for attrs, _ in document.all("a")]


def test_nobody_is_not_asked_to_change_account() -> None:
    document = Document(refusal(person=None, organisation=None))
    assert document.all("form") == []
    assert document.main_action()[0]["href"] == "/"


@pytest.mark.parametrize(
    "reason, text",
    [
        ("not-signed-in", "not-signed-in"),
        ("other-provider", "other-provider"),
        ("route-denied", "route-denied"),
        ("a-reason-of-tomorrow", "unexpected"),
        ("../../etc/passwd", "unexpected"),
    ],
)
def test_a_refusal_has_the_sentences_of_its_reason_or_the_general_ones(reason: str, text: str) -> None:
    assert Document(refusal(reason=reason)).one("h1")[1] == LOCALES["fr"]["refusal"][text]["title"]


@pytest.mark.parametrize(
    "language, label, about, new_window",
    [
        (
            "fr",
            "S'identifier avec ProConnect",
            "Qu\u2019est-ce que ProConnect\u202f?",
            "nouvelle fenêtre",
        ),
        ("en", "Sign in with ProConnect", "What is ProConnect?", "new window"),
    ],
)
def test_the_button_follows_the_rules_of_proconnect(
    language: str, label: str, about: str, new_window: str
) -> None:
    document = Document(PAGES.sign_in(language, branding=BRANDING, sign_in_url="/in?return_to=/a%26b"))
    assert (
        {"class": "proconnect fr-connect fr-connect--pro", "href": "/in?return_to=/a%26b"},
        label,
    ) in document.all("a")
    (attrs,) = [attrs for attrs, text in document.all("a") if text == about.replace("\u202f", " ")]
    assert attrs == {
        "href": "https://www.proconnect.gouv.fr/",
        "target": "_blank",
        "rel": "noopener noreferrer",
        "title": f"{about} - {new_window}",
    }


@IN_EACH_LANGUAGE
def test_the_sign_in_page_says_who_may_enter_before_the_button(language: str) -> None:
    html = PAGES.sign_in(language, branding=BRANDING, sign_in_url="/in")
    assert html.index(str(BRANDING.who_may_enter)) < html.index('href="/in"')


def test_the_sign_in_page_of_a_service_that_says_nothing_is_for_professionals() -> None:
    html = PAGES.sign_in("fr", branding=PLAIN, sign_in_url="/in")
    assert LOCALES["fr"]["sign_in"]["who_anybody"] in html


@ON_EVERY_PAGE
@IN_EACH_LANGUAGE
def test_another_provider_is_called_by_its_name(page: str, language: str) -> None:
    html = EVERY_PAGE[page](language, Branding(provider_name="Annuaire interne"))
    assert "proconnect" not in html.lower()


def test_the_button_of_another_provider_names_it() -> None:
    branding = Branding(provider_name="Annuaire interne")
    document = Document(PAGES.sign_in("en", branding=branding, sign_in_url="/in"))
    assert document.main_action() == (
        {"class": "action fr-btn", "href": "/in"},
        "Sign in with Annuaire interne",
    )


def test_signing_out_is_a_post_that_the_person_may_still_decline() -> None:
    document = Document(
        PAGES.sign_out("fr", branding=BRANDING, sign_out_path="/out", here_path="/here", return_url="/page")
    )
    assert document.one("form")[0] == {"class": "actions", "method": "post", "action": "/out"}
    both, here = document.all("button")
    assert both[0] == {"class": "action fr-btn", "type": "submit"}
    assert here[0]["formaction"] == "/here"
    assert "/page" in [attrs["href"] for attrs, _ in document.all("a")]


def test_signed_out_says_what_may_still_be_open() -> None:
    here, everywhere = (
        Document(PAGES.signed_out("en", branding=PLAIN, provider_too=too, home_url="/")).one("main")[1]
        for too in (False, True)
    )
    assert "Your ProConnect session may still be open" in here
    assert "so is your ProConnect session" in everywhere
    assert "Other services" in everywhere


def test_onward_leads_on_by_itself_or_by_its_link() -> None:
    url = "https://op.example/end?state=a&post_logout_redirect_uri=b"
    document = Document(EVERY_PAGE["onward"]("fr", BRANDING))
    assert {"http-equiv": "refresh", "content": f"0;url={url}"} in [a for a, _ in document.all("meta")]
    assert document.main_action()[0]["href"] == url


@pytest.mark.parametrize("name", ASSETS)
def test_an_asset_is_named_after_its_content(name: str) -> None:
    digest = hashlib.sha256(ASSETS[name].content).hexdigest()[:16]
    ending = re.fullmatch(rf"[A-Za-z0-9_-]+\.{digest}\.(css|svg|woff2)", name)
    assert ending is not None
    kinds = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml", "woff2": "font/woff2"}
    assert ASSETS[name].content_type == kinds[ending[1]]


@pytest.mark.parametrize("name", [name for name in ASSETS if not name.endswith(".woff2")])
def test_an_asset_fetches_nothing_from_elsewhere_and_runs_nothing(name: str) -> None:
    content = ASSETS[name].content.decode().replace("http://www.w3.org/2000/svg", "")
    beside = set(re.findall(r'url\("?([^")]*)"?\)', content))
    assert beside <= ASSETS.keys()
    assert not re.search(r"@import|https?:|data:|<script|javascript:|\bon\w+=", content)


@pytest.mark.parametrize(
    "directive",
    [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ],
)
def test_the_content_security_policy_is_strict(directive: str) -> None:
    assert directive in CONTENT_SECURITY_POLICY.split("; ")
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def colours(scheme: str) -> dict[str, str]:
    (style,) = [asset.content.decode() for name, asset in ASSETS.items() if name.startswith("style.")]
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+);", part)) for part in style.split("@media")[:2])
    return light if scheme == "light" else {**light, **dark}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "text, behind",
    [
        ("ink", "paper"),
        ("ink", "glow"),
        ("ink", "card"),
        ("muted", "card"),
        ("muted", "paper"),
        ("accent", "card"),
        ("accent-hover", "card"),
        ("on-accent", "accent"),
        ("on-accent", "accent-hover"),
        ("focus", "card"),
    ],
)
def test_text_stands_out_from_what_is_behind_it(text: str, behind: str, scheme: str) -> None:
    by_name = colours(scheme)
    darker, lighter = sorted(luminance(by_name[name]) for name in (text, behind))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_button_has_the_colours_of_proconnect(scheme: str) -> None:
    by_name = colours(scheme)
    assert (by_name["proconnect"], by_name["proconnect-hover"]) == ("#000091", "#1212ff")


async def serve(handlers: dict[str, Any]) -> TestServer:
    async def asset(request: web.Request) -> web.Response:
        found = ASSETS[request.match_info["name"]]
        return web.Response(body=found.content, headers={"Content-Type": found.content_type})

    app = web.Application()
    app.router.add_get(ASSETS_PATH + "{name}", asset)
    for path, handler in handlers.items():
        app.router.add_route("*", path, handler)
    server = TestServer(app)
    await server.start_server()
    return server


def page_response(html: str) -> web.Response:
    return web.Response(
        text=html,
        content_type="text/html",
        charset="utf-8",
        headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY},
    )


@pytest.mark.real
@pytest.mark.parametrize("width", [320, 1280])
async def test_in_a_browser_every_page_fits_and_breaks_no_rule_of_its_policy(width: int) -> None:
    async def show(request: web.Request) -> web.Response:
        return page_response(
            EVERY_PAGE[request.match_info["page"]](request.match_info["language"], BRANDING)
            # The browser is to stay and look.
            .replace('http-equiv="refresh"', 'name="refresh"')
        )

    server = await serve({"/{language}/{page}": show})
    complaints: list[str] = []
    async with server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        tab = await browser.new_page(viewport={"width": width, "height": 640})
        tab.on("console", lambda message: complaints.append(message.text))
        for language in LANGUAGES:
            for page in EVERY_PAGE:
                await tab.goto(str(server.make_url(f"/{language}/{page}")))
                assert await tab.evaluate("document.documentElement.scrollWidth") <= width, page
                assert await tab.evaluate("[...document.images].every(image => image.naturalWidth > 0)"), page
        await tab.goto(str(server.make_url("/fr/sign-in")))
        button = await tab.locator("a.proconnect").bounding_box()
        await browser.close()
    assert complaints == []
    assert button is not None
    assert button["width"] >= 214
    assert button["height"] >= 56


@pytest.mark.real
async def test_in_a_browser_the_sign_out_form_reaches_another_site_by_way_of_onward() -> None:
    async def end(_: web.Request) -> web.Response:
        return web.Response(text="the provider")

    provider = await serve({"/end": end})
    elsewhere = str(provider.make_url("/end").with_host("localhost"))

    async def ask(_: web.Request) -> web.Response:
        return page_response(
            PAGES.sign_out("fr", branding=BRANDING, sign_out_path="/out", here_path="/here", return_url="/")
        )

    async def out(_: web.Request) -> web.Response:
        return page_response(PAGES.onward("fr", branding=BRANDING, url=elsewhere))

    server = await serve({"/": ask, "/out": out})
    async with provider, server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        tab = await browser.new_page(java_script_enabled=False)
        await tab.goto(str(server.make_url("/")))
        await tab.click("button")
        await tab.wait_for_url(elsewhere)
        assert await tab.inner_text("body") == "the provider"
        await browser.close()
