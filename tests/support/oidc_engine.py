"""The provider stand-ins of tests/providers: npm `oidc-provider`, as old as ProConnect's and the newest.

They behave as ProConnect does. Hostile answers come from elsewhere: these engines are honest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from tests.support.processes import Program, find_program

PROVIDERS = Path(__file__).parent.parent / "providers"
INSTALLED = PROVIDERS / "node_modules"

Engine: TypeAlias = Literal[7, 9]
ENGINES: tuple[Engine, ...] = (7, 9)


class NodeTooOldError(Exception):
    """Node is installed, but an engine needs a newer one; the text says which."""


class NodePackagesMissingError(Exception):
    """The engines are not installed; the text says what to do."""


class RegistrationRefusedError(Exception):
    """The engine does not take a client's registration; the text is its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client as registered at the engine.

    Args:
        client_id: its identifier.
        client_secret: its secret, sent in the token request's body.
        client_name: what the sign-in page calls it.
        id_token_signed_response_alg: RS256, ES256 or HS256.
        userinfo_signed_response_alg: the same, or None for userinfo as plain JSON.
        type: "public" lets only agents of the public sector in, "private" every professional.
    """

    client_id: str
    client_secret: str
    client_name: str
    id_token_signed_response_alg: str
    userinfo_signed_response_alg: str | None = None
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person who can sign in at the engine.

    Args:
        name: the value of the person's button on the sign-in page.
        shows: what is particular about the person.
        acr: the level that the identity provider gives.
        claims: what userinfo says with every scope.
        amr: the methods that the identity provider names, or None.
        email_code: whether the level is raised by an e-mailed code where a request needs it.
    """

    name: str
    shows: str
    acr: str
    claims: dict[str, Any]
    amr: tuple[str, ...] | None = None
    email_code: bool = False


def node() -> str:
    """The Node that came with the engines, which is new enough for both; else the machine's own."""
    bundled = sorted(INSTALLED.glob("node-linux-*/bin/node"))
    return str(bundled[0]) if bundled else find_program("node", "nodejs", package="nodejs")


def _entries(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((PROVIDERS / name).read_text("utf-8"))
    return entries


CLIENTS = {entry["id_token_signed_response_alg"]: Client(**entry) for entry in _entries("clients.json")}
"""The clients registered at each engine, by the algorithm of their ID token."""

ACCOUNTS = {
    entry["name"]: Account(**{**entry, "amr": tuple(entry["amr"]) if "amr" in entry else None})
    for entry in _entries("accounts.json")
}
"""The people who can sign in at each engine, by name."""


class OIDCEngine:
    """One running engine at `http://localhost:PORT` and a path.

    It listens on 127.0.0.1 only. Its cookies belong to `localhost`: a gateway at `127.0.0.1` is another site
    for browsers, as ProConnect is.

    Args:
        engine: 7 is the version ProConnect runs, 9 the newest.
        redirect_uris: registered for every client of CLIENTS.
        post_logout_redirect_uris: the same for sign-out.
        strict: whether it is a provider of another kind, which knows more ways to be asked.
        path: of the issuer.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        strict: bool = False,
        path: str = "/api/v2",
        redirect_uris: Sequence[str] = (),
        post_logout_redirect_uris: Sequence[str] = (),
    ) -> None:
        self.engine = engine
        self.clients = CLIENTS
        self.accounts = ACCOUNTS
        self.issuer = ""
        self.version = ""
        self._arguments = [
            "--redirect-uris",
            json.dumps(list(redirect_uris)),
            "--post-logout-redirect-uris",
            json.dumps(list(post_logout_redirect_uris)),
            *(["--strict"] if strict else []),
            "--path",
            path,
        ]
        self._program: Program | None = None

    @property
    def port(self) -> int:
        """The port that the issuer names; 0 before the first start."""
        return int(self.issuer.split(":")[2].split("/")[0]) if self.issuer else 0

    def start(self) -> Self:
        """Starts the engine and returns once it answers; a second start keeps the issuer.

        Each start has new signing keys and has forgotten every session and every registration of `register`.

        Raises:
            ProgramMissingError: Node is not installed.
            NodePackagesMissingError: the engines are not.
            NodeTooOldError: this engine needs a newer Node.
            ProgramFailedError: it does not start.
        """
        program = node()
        if not (INSTALLED / f"oidc-provider-{self.engine}").is_dir():
            raise NodePackagesMissingError(
                f"oidc-provider {self.engine} is not in {INSTALLED}: run scripts/setup test, "
                "or npm ci in tests/providers"
            )
        command = [program, "server.mjs", "--engine", str(self.engine), "--port", str(self.port)]
        self._program = Program([*command, *self._arguments], cwd=PROVIDERS)
        try:
            first = json.loads(self._program.line(r"^\{"))
        except BaseException:
            self.stop()
            raise
        if "unsupported" in first:
            self.stop()
            raise NodeTooOldError(first["unsupported"])
        self.issuer = first["issuer"]
        self.version = first["version"]
        return self

    def stop(self) -> None:
        """Ends the engine: its port refuses connections."""
        if self._program is not None:
            self._program.stop()
            self._program = None

    def restart(self) -> Self:
        """The same issuer with other signing keys: what a rotation of keys looks like from outside."""
        self.stop()
        return self.start()

    def register(
        self,
        client: Client,
        *,
        redirect_uris: Sequence[str],
        post_logout_redirect_uris: Sequence[str] = (),
        **metadata: object,
    ) -> None:
        """Registers a client, in place of what was registered under its `client_id`.

        Args:
            client: one of CLIENTS, or another.
            redirect_uris: the exact redirect URIs.
            post_logout_redirect_uris: the exact URIs for sign-out.
            metadata: OpenID Connect Dynamic Client Registration 1.0 section 2, and `type`.

        Raises:
            RegistrationRefusedError: the engine does not take it, and keeps what it had.
        """
        if self._program is None:
            raise RegistrationRefusedError("the engine is not running")
        known = {name: getattr(client, name) for name in client.__dataclass_fields__}
        registration = {
            **{name: value for name, value in known.items() if value is not None},
            "redirect_uris": list(redirect_uris),
            "post_logout_redirect_uris": list(post_logout_redirect_uris),
            **metadata,
        }
        self._program.write(json.dumps(registration))
        answer = json.loads(self._program.line(r"^\{"))
        if "refused" in answer:
            raise RegistrationRefusedError(answer["refused"])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
