"""Long words of other people's, and where a line of a page may break in them."""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

_END_OF_PART: Final = re.compile(r"[@.](?!$)")


def breakable(text: str) -> Markup:
    """A mail address as HTML, which breaks after its `@` and its dots before it breaks anywhere else."""
    # No entity that escaping makes holds either of the two.
    return Markup(_END_OF_PART.sub(r"\g<0><wbr>", str(escape(text))))  # noqa: S704 - escaped in the same line
