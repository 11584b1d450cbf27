"""The answer to a pushed authorization request, and where the browser goes with it (RFC 9126)."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from gateway.errors import Fault
from gateway.oidc.answer import Answer, json_body
from gateway.oidc.authorization import with_query
from gateway.oidc.checks import require
from gateway.oidc.client import Client
from gateway.oidc.metadata import ProviderMetadata

_TYPES: Final = frozenset({"application/json"})  # section 2.2
_REQUEST_URI: Final = re.compile(r"[\x21-\x7e]{1,512}")  # RFC 3986: no spaces


def check_pushed_response(answer: Answer) -> str:
    """The `request_uri` that stands for the request (section 2.2); its lifetime is the provider's affair.

    Raises:
        ProviderError: pushed-request, for a refusal (section 2.3) or an answer that says nothing usable.
    """
    fault = Fault.PUSHED_REQUEST
    require(answer.status == HTTPStatus.CREATED, fault, status=answer.status)
    request_uri = json_body(answer, fault, types=_TYPES).get("request_uri")
    require(isinstance(request_uri, str) and _REQUEST_URI.fullmatch(request_uri), fault, why="request_uri")
    return str(request_uri)


def pushed_authorization_url(metadata: ProviderMetadata, client: Client, request_uri: str) -> str:
    """Where to send the browser with a request that was pushed (section 4), which says nothing else."""
    return with_query(
        metadata.authorization_endpoint, {"client_id": client.client_id, "request_uri": request_uri}
    )
