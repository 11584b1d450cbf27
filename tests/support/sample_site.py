"""Every page with the values of nobody, served as the gateway serves them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from aiohttp import web

from gateway.web.answers import OWN_ANSWER_FIELDS
from gateway.web.assets import Asset
from gateway.web.branding import Branding, Conformity, Link, Theme
from gateway.web.colours import Accent
from gateway.web.own import Assets
from gateway.web.pages import Pages
from gateway.web.samples import sample_pages
from tests.support.serving import served

_LOGO: Final = Asset(
    "logo.svg",
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 60"><path fill="#00599e" d="M0 0h120v60H0z"/>'
    b'<path fill="#fff" d="M10 45l20-30 15 20 10-12 25 22z"/></svg>',
)
_PLAIN: Final = Branding()
_FULL: Final = Branding(
    service_name="Démarches du Morbihan",
    contact="assistance-demarches@morbihan.example.gouv.fr",
    who_may_enter="Les agents de la préfecture du Morbihan et des sous-préfectures de Lorient et de Pontivy.",
    organisation=("Préfet", "du Morbihan"),
    logo=_LOGO,
    logo_alt="Le Morbihan",
    accent=Accent("#00599e"),
    notice=(
        "Le service est fermé le samedi 24 octobre, de 8 h à 12 h.\n\n"
        "[En savoir plus](https://www.example.gouv.fr/fermeture), ou https://www.example.gouv.fr/aide."
    ),
    other_ways=(Link("Compte local, pour les partenaires sans ProConnect", "/connexion-locale"),),
    legal_notice="/mentions-legales",
    accessibility="/accessibilite",
    conformity=Conformity.PARTIAL,
    personal_data="/donnees-personnelles",
)

BRANDINGS: Final = {
    "neutral": _FULL,
    "neutral-plain": _PLAIN,
    "dsfr": replace(_FULL, theme=Theme.DSFR, accent=None),
    "dsfr-plain": Branding(theme=Theme.DSFR),
}
"""How the pages look, by a name: each theme with everything that can be set, and with nothing."""

_PAGES: Final = Pages(brandings=BRANDINGS.values())

LANGUAGES: Final = _PAGES.languages

NAMES: Final = tuple(sample_pages(_PAGES, "fr", _PLAIN))
"""Every page."""


@asynccontextmanager
async def sample_site() -> AsyncIterator[str]:
    """Serve `/LOOK/LANGUAGE/PAGE` until the block ends: the address."""
    documents = {
        (look, language): sample_pages(_PAGES, language, branding)
        for look, branding in BRANDINGS.items()
        for language in _PAGES.languages
    }

    async def show(request: web.Request) -> web.Response:
        document = documents[request.match_info["look"], request.match_info["language"]]
        html = document[request.match_info["page"]]
        # Whoever looks is to stay on the page that leads on by itself.
        html = html.replace('http-equiv="refresh"', 'name="refresh"')
        return web.Response(text=html, content_type="text/html", headers=OWN_ANSWER_FIELDS)

    application = web.Application()
    application.router.add_get("/_gateway/assets/{name}", Assets(_PAGES.assets).handle)
    application.router.add_get("/{look}/{language}/{page}", show)
    async with served(application) as url:
        yield url
