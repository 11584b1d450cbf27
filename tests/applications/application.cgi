#!/usr/bin/env python3
"""A CGI program (RFC 3875), for Apache."""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

out = sys.stdout.buffer
environ = {name.decode(): value.decode("utf-8", "replace") for name, value in os.environb.items()}


def say(*lines: str, body: bytes = b"", whole: bool = True) -> None:
    if whole:
        lines = (*lines, f"Content-Length: {len(body)}")
    out.write("".join(f"{line}\n" for line in lines).encode() + b"\n" + body)
    out.flush()


match environ["SCRIPT_NAME"]:
    case "/seen":
        body = sys.stdin.buffer.read()
        with Path(environ["DOCUMENT_ROOT"], "uploads", "seen").open("ab") as counted:
            counted.write(b".")
        fields = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
        fields["CONTENT-TYPE"] = environ.get("CONTENT_TYPE", "")
        seen = {
            "method": environ["REQUEST_METHOD"],
            "target": environ["REQUEST_URI"],
            "fields": fields,
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        say("Content-Type: application/json", body=json.dumps(seen).encode())
    case "/page":
        body = "Voilà la réponse.".encode()
        say(
            "X-Application: old",
            "Set-Cookie: one=1; Path=/; HttpOnly",
            "Set-Cookie: two=2; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT",
            "Content-Type: text/html; charset=utf-8",
            body=body,
        )
    case "/moved":
        say("Status: 302 Found", "Location: http://localhost/page?x=%C3%A9")
    case "/none":
        say("Status: 204 No Content", whole=False)
    case "/events":
        say("Content-Type: text/event-stream", body=b"data: first\n\n", whole=False)
        for _ in range(1000):
            if Path(environ["DOCUMENT_ROOT"], "go").exists():
                break
            time.sleep(0.01)
        out.write(b"data: second\n\n")
