"""The gateway's own paths: everything under one prefix, which never reaches an application."""

from __future__ import annotations

from dataclasses import dataclass


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

    @property
    def callback(self) -> str:
        """The redirect URI to register (RFC 6749 section 3.1.2)."""
        return self.prefix + "callback"

    @property
    def sign_out(self) -> str:
        """Ends the session, then the provider's."""
        return self.prefix + "sign-out"

    @property
    def signed_out(self) -> str:
        """The post-logout redirect URI to register (OpenID Connect RP-Initiated Logout 1.0 section 3)."""
        return self.prefix + "signed-out"

    @property
    def backchannel_logout(self) -> str:
        """The back-channel logout URI to register (OpenID Connect Back-Channel Logout 1.0 section 2.2)."""
        return self.prefix + "backchannel-logout"

    @property
    def whoami(self) -> str:
        """The person's own session as JSON."""
        return self.prefix + "whoami"

    @property
    def assets(self) -> str:
        """Style and images of the pages; ends with a slash."""
        return self.prefix + "assets/"
