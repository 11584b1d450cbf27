"""The gateway's own paths: everything under one prefix, which never reaches an application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

HERE_ALONE: Final = "here"
"""What a sign-out has as `only` that leaves the provider's session open."""


@dataclass(frozen=True, slots=True)
class OwnPaths:
    """Where the gateway's own endpoints are.

    Args:
        prefix: begins and ends with a slash.
    """

    prefix: str = "/_gateway/"

    @property
    def sign_in(self) -> str:
        """Starts a sign-in."""
        return self.prefix + "sign-in"

    def sign_in_to(self, return_to: str, *, form: str = "") -> str:
        """The link that starts a sign-in.

        Args:
            return_to: the page that it leads to.
            form: the form that was kept until then; empty for none.
        """
        return f"{self.sign_in}?return_to={quote(return_to, safe='/')}" + (f"&form={form}" if form else "")

    def form_of(self, form: str, *, page: str) -> str:
        """The page that asks whether a form is to be sent again.

        Args:
            form: which one.
            page: where it was filled in.
        """
        return f"{self.form}?form={form}&return_to={quote(page, safe='/')}"

    @property
    def silent_sign_in(self) -> str:
        """Asks the provider, without a page, who is there."""
        return self.prefix + "silent-sign-in"

    def silent_sign_in_to(self, return_to: str) -> str:
        """The link that does so.

        Args:
            return_to: the page that it leads to, whoever is there.
        """
        return f"{self.silent_sign_in}?return_to={quote(return_to, safe='/')}"

    @property
    def callback(self) -> str:
        """The redirect URI to register (RFC 6749 section 3.1.2)."""
        return self.prefix + "callback"

    @property
    def sign_out(self) -> str:
        """Ends the session, then the provider's."""
        return self.prefix + "sign-out"

    @property
    def sign_out_here(self) -> str:
        """The same, but that the provider's session goes on."""
        return f"{self.sign_out}?only={HERE_ALONE}"

    def switch_account(self, return_to: str) -> str:
        """Where a POST signs out, here and at the provider, to come back with another account.

        Args:
            return_to: the page to come back to, a target that was checked or will be.
        """
        return f"{self.sign_out}?switch={quote(return_to, safe='/')}"

    @property
    def signed_out(self) -> str:
        """The post-logout redirect URI to register (OpenID Connect RP-Initiated Logout 1.0 section 3)."""
        return self.prefix + "signed-out"

    @property
    def backchannel_logout(self) -> str:
        """The back-channel logout URI to register (OpenID Connect Back-Channel Logout 1.0 section 2.2)."""
        return self.prefix + "backchannel-logout"

    @property
    def forward_auth(self) -> str:
        """The decision for a front server."""
        return self.prefix + "forward-auth"

    @property
    def client_keys(self) -> str:
        """The JWKS URI to register, for a client that proves itself with keys of its own."""
        return self.prefix + "client-keys"

    @property
    def form(self) -> str:
        """Asks whether a form that was kept is to be sent again."""
        return self.prefix + "form"

    @property
    def whoami(self) -> str:
        """The person's own session as JSON."""
        return self.prefix + "whoami"

    @property
    def assets(self) -> str:
        """Style and images of the pages; ends with a slash."""
        return self.prefix + "assets/"
