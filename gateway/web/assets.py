"""The files that pages refer to: styles, images, fonts; each read once, and served under a name of its own.

The name holds a hash of the content, so that a browser may keep it for ever. Which files there are is known
when the gateway starts: no path of a request is ever opened.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".webp": "image/webp",
        ".woff2": "font/woff2",
    }
)
"""The types of file that there can be, by the end of the name."""

# What a style refers to beside itself: a plain name, in quotes or not.
_REFERENCE: Final = re.compile(r"""url\((["']?)(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\1\)""")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file.

    Args:
        name: its name where it came from; ends with one of `CONTENT_TYPES`.
        content: what is in it.
    """

    name: str
    content: bytes

    @property
    def content_type(self) -> str:
        """The media type that it is served with."""
        return CONTENT_TYPES[Path(self.name).suffix]

    @property
    def served_name(self) -> str:
        """The name that it is served under."""
        path = Path(self.name)
        return f"{path.stem}.{hashlib.sha256(self.content).hexdigest()[:16]}{path.suffix}"


def linked(assets: Iterable[Asset]) -> tuple[Asset, ...]:
    """The same files, with the references of their styles leading to the names that they are served under."""
    by_name = {asset.name: asset for asset in assets}
    served = {name: asset.served_name for name, asset in by_name.items() if not name.endswith(".css")}

    def link(reference: re.Match[str]) -> str:
        return f'url("{served.get(reference["name"], reference["name"])}")'

    return tuple(
        Asset(name, _REFERENCE.sub(link, asset.content.decode()).encode()) if name.endswith(".css") else asset
        for name, asset in by_name.items()
    )


def assets_in(folder: Path) -> tuple[Asset, ...]:
    """Every file of a folder that a page may refer to, linked; nothing where there is no such folder."""
    if not folder.is_dir():
        return ()
    files = (path for path in sorted(folder.iterdir()) if path.suffix in CONTENT_TYPES)
    return linked(Asset(path.name, path.read_bytes()) for path in files)
