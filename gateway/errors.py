"""The one error tree: whose fault it is gives the status, its Fault finds the sentence for the page.

An error carries facts, not prose. Facts go to the log and the audit event, never to a page; they must hold no
secret, token, code or state.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Fault(StrEnum):
    """What went wrong, as a closed list. A Fault explains an error, a Reason (access.policy) a decision."""

    # The browser's request (RFC 9110, RFC 9112)
    REQUEST_MALFORMED = "request-malformed"
    TARGET_AMBIGUOUS = "target-ambiguous"
    HOST_UNKNOWN = "host-unknown"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    CROSS_SITE = "cross-site"
    PROXY_NOT_TRUSTED = "proxy-not-trusted"
    FIELD_FORGED = "field-forged"
    REQUEST_SLOW = "request-slow"
    REQUEST_CUT = "request-cut"
    FORM_TOO_LARGE = "form-too-large"
    # The authorization response (RFC 6749 section 4.1.2, RFC 9207)
    STATE = "state"
    STATE_FOREIGN = "state-foreign"
    STATE_REPLAYED = "state-replayed"
    STATE_LATE = "state-late"
    SIGN_IN_LOOP = "sign-in-loop"
    RESPONSE_MALFORMED = "response-malformed"
    RESPONSE_ISS = "response-iss"
    PROVIDER_REFUSED = "provider-refused"
    ACR_TOO_LOW = "acr-too-low"
    IDP_HINT_UNKNOWN = "idp-hint-unknown"
    PROVIDER_ERROR = "provider-error"
    PROVIDER_TECHNICAL = "provider-technical"
    PROVIDER_ABORTED = "provider-aborted"
    PROVIDER_ACCOUNT = "provider-account"
    PROVIDER_DOMAIN = "provider-domain"
    PROVIDER_NOBODY = "provider-nobody"
    PROVIDER_BUSY = "provider-busy"
    PROVIDER_SCOPE = "provider-scope"
    PROVIDER_REQUEST = "provider-request"
    # Reaching the provider
    PROVIDER_UNREACHABLE = "provider-unreachable"
    PROVIDER_TLS = "provider-tls"
    PROVIDER_SLOW = "provider-slow"
    # Metadata (OpenID Connect Discovery 1.0)
    METADATA_ISSUER = "metadata-issuer"
    METADATA_ENDPOINT = "metadata-endpoint"
    METADATA_MALFORMED = "metadata-malformed"
    METADATA_REDIRECT = "metadata-redirect"
    METADATA_DOWNGRADE = "metadata-downgrade"
    METADATA_CHANGED = "metadata-changed"
    # Keys (RFC 7517)
    KEYS_MALFORMED = "keys-malformed"
    KEY_UNKNOWN = "key-unknown"
    KEY_AMBIGUOUS = "key-ambiguous"
    KEY_UNUSABLE = "key-unusable"
    # The answer to a pushed authorization request (RFC 9126 section 2)
    PUSHED_REQUEST = "pushed-request"
    # Token response (RFC 6749 section 5)
    TOKEN_ERROR = "token-error"  # noqa: S105 - names of faults, not secrets
    TOKEN_MALFORMED = "token-malformed"  # noqa: S105
    TOKEN_TYPE = "token-type"  # noqa: S105
    TOKEN_REDIRECT = "token-redirect"  # noqa: S105
    # ID token (OpenID Connect Core 1.0 section 3.1.3.7, RFC 8725)
    ID_TOKEN_MALFORMED = "id-token-malformed"  # noqa: S105
    ID_TOKEN_HEADER = "id-token-header"  # noqa: S105
    ID_TOKEN_TYPE = "id-token-type"  # noqa: S105
    ID_TOKEN_ALG = "id-token-alg"  # noqa: S105
    ID_TOKEN_SIGNATURE = "id-token-signature"  # noqa: S105
    ID_TOKEN_ISS = "id-token-iss"  # noqa: S105
    ID_TOKEN_AUD = "id-token-aud"  # noqa: S105
    ID_TOKEN_AZP = "id-token-azp"  # noqa: S105
    ID_TOKEN_EXP = "id-token-exp"  # noqa: S105
    ID_TOKEN_NBF = "id-token-nbf"  # noqa: S105
    ID_TOKEN_IAT = "id-token-iat"  # noqa: S105
    ID_TOKEN_NONCE = "id-token-nonce"  # noqa: S105
    ID_TOKEN_AT_HASH = "id-token-at-hash"  # noqa: S105
    ID_TOKEN_SUB = "id-token-sub"  # noqa: S105
    ID_TOKEN_AUTH_TIME = "id-token-auth-time"  # noqa: S105
    # Refreshing a session (RFC 6749 section 6, OpenID Connect Core 1.0 section 12)
    REFRESH_REFUSED = "refresh-refused"
    REFRESH_MISMATCH = "refresh-mismatch"
    # Userinfo (OpenID Connect Core 1.0 section 5.3)
    USERINFO_ERROR = "userinfo-error"
    USERINFO_MALFORMED = "userinfo-malformed"
    USERINFO_TYPE = "userinfo-type"
    USERINFO_UNSIGNED = "userinfo-unsigned"
    USERINFO_SIGNATURE = "userinfo-signature"
    USERINFO_ISS = "userinfo-iss"
    USERINFO_AUD = "userinfo-aud"
    USERINFO_EXP = "userinfo-exp"
    USERINFO_SUB = "userinfo-sub"
    # Logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6)
    LOGOUT_MALFORMED = "logout-malformed"
    LOGOUT_SIGNATURE = "logout-signature"
    LOGOUT_CLAIMS = "logout-claims"
    # The application behind
    UPSTREAM_UNREACHABLE = "upstream-unreachable"
    UPSTREAM_TLS = "upstream-tls"
    UPSTREAM_BUSY = "upstream-busy"
    UPSTREAM_MALFORMED = "upstream-malformed"
    UPSTREAM_SLOW = "upstream-slow"
    # The session store
    STORE_UNREACHABLE = "store-unreachable"
    # The gateway itself
    UNEXPECTED = "unexpected"


class GatewayError(Exception):
    """Something ended the request; each subclass says whose fault it is.

    Args:
        fault: what went wrong.
        facts: what the log should hold beside the fault; no secret, token, code or state.
    """

    status: ClassVar[int] = 500

    def __init__(self, fault: Fault, **facts: object) -> None:
        super().__init__(fault)
        self.fault = fault
        self.facts = facts

    def __str__(self) -> str:
        return " ".join([self.fault.value, *(f"{name}={value!r}" for name, value in self.facts.items())])


class RequestError(GatewayError):
    """The browser's request cannot be served as it is (RFC 9110 section 15.5.1)."""

    status = 400


class ForbiddenError(RequestError):
    """The request is understood and refused: asked from another site, or refused by the provider."""

    status = 403


class NotFoundError(RequestError):
    """Nothing of the gateway's own is at this path."""

    status = 404


class MethodNotAllowedError(RequestError):
    """One of the gateway's own paths was asked with a method it does not have."""

    status = 405


class RequestTimeoutError(RequestError):
    """The browser stopped sending its request, or stopped reading the answer (RFC 9110 section 15.5.9)."""

    status = 408


class TooLargeError(RequestError):
    """The body is more than can be kept until somebody has signed in (RFC 9110 section 15.5.14)."""

    status = 413


class MisdirectedError(RequestError):
    """No app answers at this host (RFC 9110 section 15.5.20)."""

    status = 421


class ProviderError(GatewayError):
    """The provider answered, and its answer cannot be believed."""

    status = 502


class SessionRefusedError(ProviderError):
    """The provider stands by a session no longer, or its answer is about somebody else: the session ends."""


class ProviderUnavailableError(ProviderError):
    """The provider cannot be used now: not reached, or what it publishes is refused."""

    status = 503


class ProviderTimeoutError(ProviderError):
    """The provider did not answer within its time."""

    status = 504


class UpstreamError(GatewayError):
    """The application behind is away, or answered with something that is not HTTP."""

    status = 502


class UpstreamBusyError(UpstreamError):
    """Every connection to the application is taken, and the wait for one has ended."""

    status = 503


class UpstreamTimeoutError(UpstreamError):
    """The application did not answer within its time."""

    status = 504


class StoreError(GatewayError):
    """The session store did not answer: never a sign-out, never a pass."""

    status = 503
