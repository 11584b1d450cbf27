"""Settings to the pages: how those of each app look, and all of them put together."""

from __future__ import annotations

from dataclasses import replace

from gateway.oidc.profiles import ProfileName
from gateway.settings.model import App, Settings
from gateway.settings.page import Page
from gateway.web.branding import Branding, Conformity, Link, Templates
from gateway.web.languages import LOCALES
from gateway.web.pages import Pages

_AS_THEY_ARE = (
    *("theme", "language", "logo", "proconnect_mark", "accent", "notice"),
    *("legal_notice", "accessibility", "personal_data"),
)


def branding_of(settings: Settings, app: App | None) -> Branding:
    """How an app's pages look; of no app, those for a host that is not ours."""
    looks = settings.pages.of(Page() if app is None else app.page)
    branding = Branding(
        **{name: looks[name] for name in _AS_THEY_ARE},
        templates=looks["templates_dir"] or Templates(),
        organisation=looks["organisation"] or (),
        logo_alt=looks["logo_alt"] or "",
        other_ways=tuple(Link(way.label, way.url) for way in looks["other_ways"] or ()),
        conformity=looks["conformity"] and Conformity(looks["conformity"]),
    )
    if app is None:
        return branding
    proconnect = settings.all_providers[app.provider].profile is ProfileName.PROCONNECT
    return replace(
        branding,
        service_name=app.service_name,
        contact=app.contact,
        who_may_enter=app.who_may_enter,
        provider_name=None if proconnect else app.provider,
    )


def pages_of(settings: Settings, *, assets_path: str) -> Pages:
    """Every page of every app, in every language."""
    brandings = [branding_of(settings, app) for app in (None, *settings.apps)]
    return Pages(assets_path, brandings, settings.pages.locales_dir or LOCALES)
