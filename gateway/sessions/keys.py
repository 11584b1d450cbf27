"""What stores call a session's record and the summary beside it, and what people call the session.

The braces are a hash tag of Redis Cluster: it keeps what has the same one on the same node.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

RECORDS: Final = "gateway:session:{*}"
"""The keys of all records, and of nothing else, as a glob."""

_SUMMARY: Final = ":summary"
_ID_LENGTH: Final = 16  # hexadecimal digits


def record_key(digest: bytes) -> str:
    """The key of the record that the cookie of this digest (32 octets) leads to."""
    return RECORDS.replace("*", urlsafe_b64encode(digest).rstrip(b"=").decode())


def summary_key(key: str) -> str:
    """The key of the summary beside the record at `key`."""
    return key + _SUMMARY


def session_id(key: str) -> str:
    """What logs and people call the session whose record is at `key`; the key does not follow from it."""
    return sha256(key.encode()).hexdigest()[:_ID_LENGTH]
