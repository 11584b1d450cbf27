"""A Flask application, for gunicorn."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response, jsonify, redirect, request, send_file

application = Flask(__name__, static_folder=None)
HERE = Path.cwd()


@application.route("/seen", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def seen() -> Response:
    body = request.stream.read()
    with (HERE / "uploads" / "seen").open("ab") as counted:
        counted.write(b".")
    fields = {name[5:]: value for name, value in request.environ.items() if name.startswith("HTTP_")}
    fields["CONTENT-TYPE"] = request.environ.get("CONTENT_TYPE", "")
    return jsonify(
        method=request.method,
        target=request.environ["RAW_URI"],
        fields=fields,
        length=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


@application.get("/page")
def page() -> Response:
    answer = Response("Voilà la réponse.", content_type="text/html; charset=utf-8")
    answer.headers["X-Application"] = "old"
    answer.headers.add("Set-Cookie", "one=1; Path=/; HttpOnly")
    answer.headers.add("Set-Cookie", "two=2; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT")
    return answer


@application.get("/moved")
def moved() -> Response:
    answer = redirect("/page?x=%C3%A9", 302)
    assert isinstance(answer, Response)
    return answer


@application.get("/file")
def file() -> Response:
    return send_file(HERE / "file", mimetype="application/octet-stream", conditional=True)


@application.get("/none")
def none() -> Response:
    return Response(status=204)


@application.get("/events")
def events() -> Response:
    def told() -> Iterator[bytes]:
        yield b"data: first\n\n"
        for _ in range(1000):
            if (HERE / "go").exists():
                break
            time.sleep(0.01)
        yield b"data: second\n\n"

    return Response(told(), content_type="text/event-stream")
