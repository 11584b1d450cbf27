"""The ProConnect gateway: an OpenID Connect relying party and reverse proxy."""
