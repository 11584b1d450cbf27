"""The demo as its newcomers see it, in a real browser that has nothing to complain about."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.demo.run import Demo
from tests.support.person import (
    SESSION_COOKIE,
    Person,
    choose,
    heading,
    press_the_button,
    sign_in,
    sitting_at,
)

pytestmark = pytest.mark.real

NAME = "Éléonore Lefèvre-Œillet"
EMAIL = "eleonore.lefevre-oeillet@morbihan.example.gouv.fr"
DEEP = "/private/dossier/2026-0142?onglet=pi%C3%A8ces&retour=%2Fliste"
FORGED = {
    "X-ProConnect-Email": "forged@example.gouv.fr",
    "X_ProConnect_Email": "forged@example.gouv.fr",
    "x-proconnect_sub": "forged",
    "Remote-User": "forged@example.gouv.fr",
    "Remote_User": "forged@example.gouv.fr",
}


def provider_page(demo: Demo) -> str:
    return f"{demo.provider}/interaction/*"


async def received(page: Page) -> list[tuple[str, str]]:
    """Every field that the application gets."""
    fields = await page.evaluate("fetch('/api/me').then(answer => answer.json())")
    return [(name, value) for name, value in fields]


async def test_a_person_arrives_on_the_page_first_asked_for_by_the_right_name(
    demo: Demo, person: Person
) -> None:
    page = await person.open(demo.gateway + DEEP)
    await heading(page, "Connexion")
    await sign_in(page)
    await heading(page, "Un dossier")
    assert page.url == demo.gateway + DEEP
    await expect(page.locator("main .note")).to_have_text(DEEP)
    await expect(page.locator("header b")).to_have_text(NAME)


async def test_the_application_shows_the_fields_as_received_and_as_read(demo: Demo, person: Person) -> None:
    page = await person.open(demo.gateway)
    await sign_in(page)
    await heading(page, f"Bonjour {NAME}")
    email = page.locator("tr", has=page.get_by_role("rowheader", name="X-ProConnect-Email", exact=True))
    await expect(email.locator("code")).to_have_text(EMAIL)
    name = page.locator("tr", has=page.get_by_role("rowheader", name="X-ProConnect-Usual-Name"))
    await expect(name.locator("td")).to_have_text(["Lef%C3%A8vre-%C5%92illet", "Lefèvre-Œillet"])


async def test_what_a_browser_forges_never_arrives(demo: Demo, chromium: Browser) -> None:
    async with sitting_at(chromium, extra_http_headers=FORGED) as forger:
        page = await forger.open(f"{demo.gateway}/public/")
        await expect(page.locator("main")).to_contain_text(re.compile("Personne n.est connecté"))
        await page.goto(demo.gateway)
        await sign_in(page)
        await heading(page, f"Bonjour {NAME}")
        fields = await received(page)
    folded = [name.lower().replace("_", "-") for name, _ in fields]
    assert (folded.count("x-proconnect-email"), folded.count("remote-user")) == (1, 1)
    assert dict(fields)["X-ProConnect-Email"] == EMAIL
    assert "forged" not in str(fields)


async def test_a_closed_page_says_so_and_leads_home(demo: Demo, person: Person) -> None:
    page = await person.open(demo.gateway)
    await sign_in(page)
    answer = await page.goto(f"{demo.gateway}/admin/")
    assert answer is not None
    assert answer.status == 403
    await heading(page, "Cette page est fermée")
    await page.get_by_role("link", name=re.compile("Revenir à l.accueil du service")).click()
    await heading(page, f"Bonjour {NAME}")


@pytest.mark.parametrize(
    "failures, title, button",
    [
        # What ProConnect's own "Réessayer" comes back as: the first time, it is the wish to try again.
        (["technical"] * 2, "L.identification a rencontré un problème technique", "Essayer de nouveau"),
        (["identity"], "Ce compte n.est pas accepté", "Utiliser un autre compte"),
    ],
    ids=["an error", "a refusal"],
)
async def test_after_a_failure_at_the_provider_the_button_leads_on_to_the_page_first_asked_for(
    demo: Demo, person: Person, failures: list[str], title: str, button: str
) -> None:
    page = await person.open(demo.gateway + DEEP)
    await press_the_button(page)
    for failure in failures:
        await heading(page, "Se connecter à Gestion des dossiers")
        await page.locator(f"a[href$='/abort/{failure}']").click()
    await heading(page, re.compile(title))
    await page.get_by_role("link", name=button).click()
    await choose(page, "eleonore")
    await heading(page, "Un dossier")
    assert page.url == demo.gateway + DEEP


async def test_the_applications_own_button_signs_out_here_and_at_the_provider(
    demo: Demo, person: Person
) -> None:
    page = await person.open(demo.gateway)
    await sign_in(page)
    await heading(page, f"Bonjour {NAME}")
    assert {SESSION_COOKIE, "pc_session_id"} <= await person.cookies()
    await page.get_by_role("button", name="Se déconnecter").click()
    await heading(page, "Vous êtes déconnecté")
    await expect(page.locator("main")).to_contain_text("ainsi que votre session ProConnect")
    assert not await person.cookies() & {SESSION_COOKIE, "pc_session_id"}
    await page.get_by_role("link", name="Revenir au service").click()
    await heading(page, "Connexion")
    await press_the_button(page)
    await page.wait_for_url(provider_page(demo))


async def test_a_session_at_the_provider_needs_no_second_choice(demo: Demo, person: Person) -> None:
    page = await person.open(demo.gateway)
    await sign_in(page)
    await heading(page, f"Bonjour {NAME}")
    await person.context.clear_cookies(name=SESSION_COOKIE)
    await page.goto(demo.gateway + DEEP)
    await press_the_button(page)
    await heading(page, "Un dossier")


async def test_two_tabs_at_once_end_each_on_its_own_page(demo: Demo, person: Person) -> None:
    one = await person.open(f"{demo.gateway}/private/one")
    two = await person.open(f"{demo.gateway}/private/two")
    await press_the_button(one)
    await press_the_button(two)
    for tab in (one, two):
        await tab.wait_for_url(provider_page(demo))
    await choose(two, "eleonore")
    await choose(one, "eleonore")
    for tab, path in ((one, "/private/one"), (two, "/private/two")):
        await heading(tab, "Un dossier")
        assert tab.url == demo.gateway + path
        await expect(tab.locator("header b")).to_have_text(NAME)


async def test_without_scripts_a_person_signs_in_and_out(demo: Demo, chromium: Browser) -> None:
    async with sitting_at(chromium, java_script_enabled=False) as somebody:
        page = await somebody.open(demo.gateway + DEEP)
        await sign_in(page)
        await heading(page, "Un dossier")
        await page.get_by_role("button", name="Se déconnecter").click()
        await heading(page, "Vous êtes déconnecté")
        assert SESSION_COOKIE not in await somebody.cookies()


async def test_events_and_websocket_come_through(demo: Demo, person: Person) -> None:
    page = await person.open(f"{demo.gateway}/ws")
    await sign_in(page)
    await expect(page.locator("#event")).to_have_text(f"1 pour {NAME}")
    await expect(page.locator("#state")).to_have_text("ouvert")
    await page.get_by_role("button", name="Envoyer").click()
    await expect(page.locator("#answers")).to_have_text("Ça marche")


async def test_a_form_and_a_file_arrive_whole(demo: Demo, person: Person) -> None:
    page = await person.open(f"{demo.gateway}/form")
    await sign_in(page)
    await page.get_by_label("Objet").fill("Œuvre & café")
    await page.get_by_role("button", name="Envoyer").click()
    await expect(page.get_by_role("cell", name="Œuvre & café")).to_be_visible()
    await page.goto(f"{demo.gateway}/upload")
    content = bytes(range(256)) * 4096
    await page.get_by_label("Fichier").set_input_files(
        {"name": "pièce.bin", "mimeType": "application/octet-stream", "buffer": content}
    )
    await page.get_by_role("button", name="Envoyer").click()
    await expect(page.get_by_role("cell", name="1048576 octets")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 320])
async def test_every_page_of_the_journey_fits_its_window(demo: Demo, chromium: Browser, width: int) -> None:
    async with sitting_at(chromium, viewport={"width": width, "height": 800}) as somebody:
        page = await somebody.open(demo.gateway)
        await fits(page, width)
        await press_the_button(page)
        await page.wait_for_url(provider_page(demo))
        await fits(page, width)
        await choose(page, "eleonore")
        await heading(page, f"Bonjour {NAME}")
        await fits(page, width)
        for path in (
            "/form",
            "/upload",
            "/ws",
            "/public/",
            "/public/essais",
            "/public/pause",
            "/admin/",
            "/nowhere",
            "/_gateway/sign-out",
            DEEP,
        ):
            await page.goto(demo.gateway + path)
            await fits(page, width)
        await page.get_by_role("button", name="Se déconnecter").click()
        await heading(page, "Vous êtes déconnecté")
        await fits(page, width)


async def fits(page: Page, width: int) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, page.url
