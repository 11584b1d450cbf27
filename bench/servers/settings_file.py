"""Settings files of servers, written from the templates of this bench."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Final

TEMPLATES: Final = Path(__file__).parent.parent / "templates"


class _AtTemplate(Template):
    """A template whose placeholders are written @{name}: a dollar sign is nginx's own."""

    delimiter = "@"


def write_settings(template: str, into: Path, /, **values: object) -> Path:
    """Fill a template in and write it into a folder, readable by this user alone.

    Raises:
        KeyError: the template wants a value that is not given.
    """
    path = into / template
    path.touch(mode=0o600)
    path.write_text(_AtTemplate((TEMPLATES / template).read_text("utf-8")).substitute(values), "utf-8")
    return path
