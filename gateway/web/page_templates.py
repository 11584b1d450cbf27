"""Templates and styles of the pages: those beside this module, and an administrator's in their place."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Final

from jinja2 import DictLoader, Environment, StrictUndefined, Template

from gateway.web.assets import Asset, assets_in
from gateway.web.branding import Templates, Theme
from gateway.web.breakable import breakable

_HERE: Final = Path(__file__).parent

THEME_ASSETS: Final[Mapping[Theme, tuple[Asset, ...]]] = {
    Theme.NEUTRAL: assets_in(_HERE / "static"),
    Theme.DSFR: assets_in(_HERE / "dsfr"),
}
"""The files of each theme. Those of `dsfr` are there once its command has built them."""


def _sources(folder: Path, prefix: str = "") -> dict[str, str]:
    return {prefix + path.name: path.read_text("utf-8") for path in folder.glob("*.html")}


_TEMPLATES: Final = _sources(_HERE / "templates")
_THEME_TEMPLATES: Final[Mapping[Theme, Mapping[str, str]]] = {
    theme: _sources(_HERE / "templates" / theme) for theme in Theme
}

TEMPLATE_NAMES: Final = frozenset({*_TEMPLATES, *chain(*_THEME_TEMPLATES.values())})
"""The templates that an administrator's own may stand in for."""


def compiled(theme: Theme, own: Templates, *, assets_path: str) -> dict[str, Template]:
    """A look's templates: the administrator's, else the theme's, else those that all themes share.

    Raises:
        jinja2.TemplateSyntaxError: one of the administrator's cannot be read.
    """
    shared = {**_TEMPLATES, **_THEME_TEMPLATES[theme]}
    # A template of the administrator's may still extend or include the one that it stands in for.
    built_in = {f"gateway/{name}": source for name, source in shared.items()}
    environment = Environment(
        loader=DictLoader({**shared, **built_in, **dict(own.sources)}),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    # The other theme's are there too: an administrator's templates are tried in one theme and work in each.
    files = (*chain(*THEME_ASSETS.values()), *THEME_ASSETS[theme], *own.assets)
    served = {asset.name: asset.served_name for asset in files}
    environment.globals["asset"] = lambda name: assets_path + served[name]
    return {name: environment.get_template(name) for name in environment.list_templates()}
