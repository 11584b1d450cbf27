"""Adapter: one bounded HTTP exchange with a provider. The exceptions of aiohttp and TLS stop here.

No redirect is followed, no cookie kept, no proxy taken from the environment, nothing decompressed. What an
answer means is for the modules that asked.
"""

from __future__ import annotations

import os
import ssl
from typing import Final

import aiohttp
from yarl import URL

from gateway.errors import Fault, ProviderError, ProviderTimeoutError
from gateway.oidc.answer import Answer
from gateway.oidc.checks import require, shown
from gateway.oidc.strict_json import LONGEST
from gateway.secret import Secret

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_CONNECTIONS: Final = 50
_MOST_FIELDS: Final = 64
_LONGEST_LINE: Final = 8190  # octets, of a status line or a field

# Shorter than what servers commonly keep idle connections for, so that no request is sent into one that the
# provider is closing just then: a token request must not be sent twice.
_KEEP_ALIVE: Final = 3  # seconds


class ProviderHttp:
    """The connections to one provider, so that a slow one takes none from the others.

    Args:
        timeout: seconds that an exchange may take as a whole.
        tls: whom to trust; the system's authorities unless given.
    """

    def __init__(self, *, timeout: float, tls: ssl.SSLContext | None = None) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._tls = tls
        self._opened: aiohttp.ClientSession | None = None

    async def send(
        self,
        url: str,
        *,
        accept: str,
        malformed: Fault,
        form: Secret | None = None,
        authorization: Secret | None = None,
    ) -> Answer:
        """Fetch a document, or post a form: once, even when the connection breaks.

        Args:
            url: a checked endpoint, sent byte for byte.
            accept: the media type to ask for.
            malformed: the fault of an answer that is too long or encoded.
            form: what to post, encoded.
            authorization: the value of the Authorization field.

        Raises:
            ProviderError: `malformed`, provider-unreachable or provider-tls.
            ProviderTimeoutError: provider-slow.
        """
        fields = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": "proconnect-gateway"}
        if form is not None:
            fields["Content-Type"] = _FORM
        if authorization is not None:
            fields["Authorization"] = authorization.reveal()
        try:
            async with self._session().request(
                "GET" if form is None else "POST",
                URL(url, encoded=True),
                headers=fields,
                data=None if form is None else form.reveal(),
                allow_redirects=False,
            ) as response:
                return await _read(response, malformed)
        except TimeoutError as error:
            raise ProviderTimeoutError(Fault.PROVIDER_SLOW, endpoint=shown(url)) from error
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            raise ProviderError(Fault.PROVIDER_TLS, endpoint=shown(url), why=_reason(error)) from error
        except (aiohttp.ClientError, OSError, UnicodeError) as error:  # the last for a host that is no name
            raise ProviderError(Fault.PROVIDER_UNREACHABLE, endpoint=shown(url), why=_cause(error)) from error

    async def close(self) -> None:
        """Close every connection."""
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        """Opened at the first exchange: aiohttp needs the running loop."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=_MOST_CONNECTIONS,
                    keepalive_timeout=_KEEP_ALIVE,
                    ssl=True if self._tls is None else self._tls,
                ),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=_LONGEST_LINE,
                max_field_size=_LONGEST_LINE,
                max_headers=_MOST_FIELDS,
            )
        return self._opened


async def _read(response: aiohttp.ClientResponse, malformed: Fault) -> Answer:
    """The whole answer, as long as it is not too long."""
    fields = response.headers
    encoding = fields.get("Content-Encoding", "identity")
    require(encoding.lower() == "identity", malformed, why="encoded", encoding=shown(encoding))
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        require(len(body) <= LONGEST, malformed, why="too long")
    return Answer(
        status=response.status,
        content_type=", ".join(fields.getall("Content-Type", [])),
        date=fields.get("Date", ""),
        body=bytes(body),
    )


def _reason(error: Exception) -> str:
    """What is wrong with a certificate, in OpenSSL's words; the kind of error for anything else."""
    certificate = getattr(error, "certificate_error", error)
    return shown(getattr(certificate, "verify_message", type(error).__name__))


def _cause(error: Exception) -> str:
    """Why there is no answer, in the system's words; the kind of error where it has none."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no address for this name (DNS)"
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else type(error).__name__
