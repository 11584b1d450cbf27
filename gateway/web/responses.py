"""Authorization responses as they reach the callback: in its address, or as a form that was posted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from gateway.errors import Fault, MethodNotAllowedError, RequestError
from gateway.oidc.authorization import Query
from gateway.oidc.form_post import open_form, seal_form
from gateway.sessions.seal import Box
from gateway.web.answers import Answers
from gateway.web.forms import read_form
from gateway.web.paths import OwnPaths
from gateway.web.site import Site

_MOST_PARAMETERS: Final = 50
_LONGEST_FORM: Final = 1 << 14  # octets, percent-encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """Reads authorization responses; what they must say is checked afterwards.

    Args:
        answers: makes the answers.
        paths: the gateway's own paths.
        box: seals what came as a form.
        clock: Unix seconds.
        random: draws octets.
    """

    answers: Answers
    paths: OwnPaths
    box: Box
    clock: Callable[[], int]
    random: Callable[[int], bytes]

    def read(self, request: web.Request, site: Site) -> Query:
        """The parameters of the response, each as often as it came (RFC 6749 section 3.1).

        Raises:
            RequestError: response-malformed; also for a response in the address where a form was asked for.
        """
        _, _, text = request.raw_path.partition("?")
        try:
            query = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
        except ValueError:
            raise RequestError(Fault.RESPONSE_MALFORMED, why="query") from None
        if not site.provider.form_post:
            return query
        return open_form(query, box=self.box, host=site.app.host, now=self.clock())

    async def take_form(self, request: web.Request, site: Site) -> web.Response:
        """Answer a form: the browser is to ask again, this time with its cookies. Nothing is checked yet.

        Raises:
            MethodNotAllowedError: no form was asked for.
            RequestError: response-malformed.
        """
        if not site.provider.form_post:
            raise MethodNotAllowedError(Fault.METHOD_NOT_ALLOWED, allow="GET")
        form = await read_form(
            request,
            longest=_LONGEST_FORM,
            parameters=_MOST_PARAMETERS,
            fault=Fault.RESPONSE_MALFORMED,
        )
        sealed = seal_form(form, box=self.box, host=site.app.host, now=self.clock(), random=self.random)
        return self.answers.redirect(f"{self.paths.callback}?{urlencode([sealed])}")
