"""Adapter: metadata and keys of one provider, fetched over `oidc.http` and kept fresh.

What a document must say, and what a failed attempt changes, is decided by `oidc.metadata`, `oidc.jwks` and
`oidc.known`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.errors import Fault, ProviderError, ProviderTimeoutError
from gateway.oidc.client import Client
from gateway.oidc.http import ProviderHttp
from gateway.oidc.jwks import KeySet, VerificationKey, check_key_set, choose_key, may_refetch
from gateway.oidc.jws import UnverifiedJWS
from gateway.oidc.known import Known, ProviderHealth, health_of, retry_delay, with_keys, with_metadata
from gateway.oidc.metadata import ProviderMetadata, check_metadata, metadata_url
from gateway.oidc.refresh import Refreshing

_JSON: Final = "application/json"
_NO_KEYS_COOLDOWN: Final = 1  # seconds; without any key nobody can sign in


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOptions:
    """How a provider is dealt with. Times are seconds.

    Args:
        origins: beside the issuer's own, the origins that its endpoints may have.
        userinfo_required: whether a provider without userinfo_endpoint is refused.
        metadata_refresh: between two fetches of metadata and keys.
        key_cooldown: between two fetches of keys for tokens that name unknown ones.
        timeout: for all calls of one sign-in together.
        clock_skew: by how much the provider's clock may differ.
        patience: how long a person waits for metadata that is not there yet.
        retry_delay: until the next attempt, after so many that failed in a row.
        refreshing: how sessions are refreshed; None: they are not.
    """

    origins: Collection[str] = ()
    userinfo_required: bool = True
    metadata_refresh: float = 600
    key_cooldown: int = 30
    timeout: float = 10
    clock_skew: int = 30
    patience: float = 3
    retry_delay: Callable[[int], float] = retry_delay
    refreshing: Refreshing | None = None


class Discovery:
    """Everything that a provider publishes, as it was last good.

    Args:
        issuer: compared byte for byte.
        client: what the provider must let the client do.
        http: carries the bytes.
        clock: Unix seconds.
        options: how the provider is dealt with.
        on_health: told each time that `ready` or `fault` of the health changes.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client: Client,
        http: ProviderHttp,
        clock: Callable[[], int],
        options: ProviderOptions,
        on_health: Callable[[ProviderHealth], None],
    ) -> None:
        self._issuer = issuer
        self._client = client
        self._http = http
        self._clock = clock
        self._options = options
        self._on_health = on_health
        self._known = Known()
        self._health: ProviderHealth | None = None
        self._refetched_at: int | None = None
        self._refreshing = _SingleFlight(self._refresh)
        self._fetching_keys = _SingleFlight(self._fetch_keys)
        self._staying_fresh: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fetch once, and go on in the background. A failure is in `health`, and is tried again."""
        await self._refreshing.join()
        self._staying_fresh = asyncio.create_task(self._stay_fresh())

    async def close(self) -> None:
        """Stop."""
        tasks = (self._staying_fresh, self._refreshing.task, self._fetching_keys.task)
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    @property
    def last_metadata(self) -> ProviderMetadata | None:
        """The last good metadata, also while the provider is away."""
        return self._known.metadata

    def health(self) -> ProviderHealth:
        """How things stand now."""
        now = self._clock()
        before = self._health
        needs_keys = self._client.needs_key_set
        self._health = health_of(self._known, needs_keys=needs_keys, before=before, now=now)
        return self._health

    def error(self) -> ProviderError:
        """Why there is no usable metadata; the first attempt may not have ended yet."""
        trouble = self._known.metadata_trouble
        return trouble.error() if trouble else ProviderTimeoutError(Fault.PROVIDER_SLOW)

    async def metadata(self) -> ProviderMetadata:
        """The metadata to begin or finish a sign-in with.

        While there is none, or the provider is away, one attempt a second is made on demand; nobody waits for
        it longer than `patience`, and nobody at all when the last one failed and another is under way.

        Raises:
            ProviderError: there is none.
        """
        known = self._known
        if known.usable is None and (known.metadata_trouble is None or self._may_try()):
            with suppress(TimeoutError):
                async with asyncio.timeout(self._options.patience):
                    await self._refreshing.join()
        if self._known.usable is None:
            raise self.error()
        return self._known.usable

    async def key_for(self, jws: UnverifiedJWS) -> VerificationKey:
        """The key that verifies a token; the set is fetched again, once a cooldown, for an unknown one.

        Raises:
            ProviderError: key-unknown, key-ambiguous or key-unusable; or why there are no keys.
        """
        if not self._keys().named(jws.kid) and self._may_refetch():
            await self._fetching_keys.join()
        if not self._keys().members and self._known.keys_trouble is not None:
            raise self._known.keys_trouble.error()
        return choose_key(self._keys(), kid=jws.kid, alg=jws.alg)

    def _keys(self) -> KeySet:
        return self._known.keys(self._clock())

    def _may_try(self) -> bool:
        tried = self._known.tried_at
        return not self._refreshing.flying and (tried is None or self._clock() > tried)

    def _may_refetch(self) -> bool:
        """Whether to wait for a newer key set; takes note that one was asked for."""
        if self._fetching_keys.flying:
            return True
        now = self._clock()
        cooldown = self._options.key_cooldown if self._keys().members else _NO_KEYS_COOLDOWN
        if not may_refetch(last=self._refetched_at, now=now, cooldown=cooldown):
            return False
        self._refetched_at = now
        return True

    async def _stay_fresh(self) -> None:
        failures = 0
        while True:
            failures = 0 if self._known.trouble is None else failures + 1
            delay = self._options.retry_delay(failures) if failures else self._options.metadata_refresh
            await asyncio.sleep(delay)
            await self._refreshing.join()

    async def _refresh(self) -> None:
        await self._fetch_metadata()
        if self._client.needs_key_set and self._known.usable is not None:
            await self._fetching_keys.join()
        self._tell()

    async def _fetch_metadata(self) -> None:
        offset = None
        outcome: ProviderMetadata | ProviderError
        try:
            answer = await self._http.send(
                metadata_url(self._issuer), accept=_JSON, malformed=Fault.METADATA_MALFORMED
            )
            offset = None if answer.served_at is None else answer.served_at - self._clock()
            outcome = check_metadata(
                answer,
                issuer=self._issuer,
                client=self._client,
                origins=self._options.origins,
                userinfo_required=self._options.userinfo_required,
            )
        except ProviderError as error:
            outcome = error
        self._known = with_metadata(self._known, outcome, now=self._clock(), clock_offset=offset)

    async def _fetch_keys(self) -> None:
        if self._known.metadata is None:
            return
        outcome: KeySet | ProviderError
        try:
            answer = await self._http.send(
                self._known.metadata.jwks_uri, accept=_JSON, malformed=Fault.KEYS_MALFORMED
            )
            outcome = check_key_set(answer)
        except ProviderError as error:
            outcome = error
        self._known = with_keys(self._known, outcome, now=self._clock())
        self._tell()

    def _tell(self) -> None:
        before = self._health
        after = self.health()
        if before is None or (before.ready, before.fault) != (after.ready, after.fault):
            self._on_health(after)


class _SingleFlight:
    """One run at a time: whoever asks meanwhile waits for the same one, and leaving early does not end it."""

    def __init__(self, run: Callable[[], Coroutine[None, None, None]]) -> None:
        self._run = run
        self.task: asyncio.Task[None] | None = None

    @property
    def flying(self) -> bool:
        return self.task is not None and not self.task.done()

    async def join(self) -> None:
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._run())
        await asyncio.shield(self.task)
