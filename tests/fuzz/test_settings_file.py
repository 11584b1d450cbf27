"""Whatever stands in the settings file: settings, or faults that show no secret."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings

from gateway.settings.faults import SettingsError
from gateway.settings.load import load, readable_providers
from tests.fuzz.mangled import mangled

SECRET = "SECRETSECRETSECRETSECRETSECRETSE"
FILE = f"""
[gateway]
public_url = "https://demarches.example.gouv.fr"
trusted_proxies = ["172.16.0.0/12"]
secret = "{SECRET}"
[provider]
profile = "proconnect"
environment = "integration"
client_id = "client"
client_secret = "{SECRET}"
[sessions]
store = "redis://redis:6379/0"
idle_lifetime = "1h"
[[apps]]
upstream = "http://legacy:80"
[[apps.routes]]
path = "/admin/**"
require.acr = ["mfa"]
require.any = [{{ roles = ["agent_public"] }}]
""".encode()
WORDS = (
    b"[providers.rh]\n",
    b"true",
    b"-1",
    b"[]",
    b"{}",
    b"[[apps]]\n",
    b'"""',
    b'"memory:"',
    b"12h",
    b"**",
)


@settings(max_examples=settings().max_examples // 4)  # each reads the whole schema
@given(mangled(FILE, words=WORDS))
def test_a_file_is_settings_or_faults(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "gateway.toml")
        path.write_bytes(text)
        readable_providers(path, {})
        with suppress(SettingsError):
            load(path, {})
