"""Sign-in attempts that a browser began long ago."""

from __future__ import annotations

import secrets
import time

from gateway.oidc.pending import Pending, attempt_cookie_name, new_pending, seal_pending
from gateway.secret import Secret
from gateway.sessions.return_to import parse_return_to
from gateway.sessions.seal import Purpose, Sealer
from tests.support.gateway import GATEWAY_SECRET
from tests.support.story import PROTECTED, Story


def plant(scene: Story, *, age: int, turn: int = 0) -> Pending:
    """Give the browser an attempt that it began `age` seconds ago."""
    pending = new_pending(
        return_to=parse_return_to(PROTECTED),
        provider="default",
        host="localhost",
        redirect_uri=scene.gateway.redirect_uri,
        now=int(time.time()) - age,
        token=lambda: secrets.token_urlsafe(32),
        turn=turn,
    )
    box = Sealer((Secret(GATEWAY_SECRET),)).box(Purpose.SIGN_IN_ATTEMPT)
    name = attempt_cookie_name(pending.state, secure=False)
    value = seal_pending(pending, box=box, cookie_name=name, random=secrets.token_bytes)
    scene.browser.set_cookie(scene.gateway.url, name, value)
    return pending
