"""What stores call a session's record, and the summary beside it.

The braces are a hash tag of Redis Cluster: it keeps what has the same one on the same node.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Final

RECORDS: Final = "gateway:session:{*}"
"""The keys of all records, and of nothing else, as a glob."""

_SUMMARY: Final = ":summary"


def record_key(digest: bytes) -> str:
    """The key of the record that the cookie of this digest (32 octets) leads to."""
    return RECORDS.replace("*", urlsafe_b64encode(digest).rstrip(b"=").decode())


def summary_key(key: str) -> str:
    """The key of the summary beside the record at `key`."""
    return key + _SUMMARY
