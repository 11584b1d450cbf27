"""The look-alike provider's endpoints for browsers: authorization, the page to choose from, sign-out.

`provider_requests` checks what is asked and `provider_state` remembers; the errors raised here are answered
by `provider`'s middleware.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from gateway.demo.people import ACR_VALUES, Person
from gateway.demo.provider_pages import ABORTS, error_page, page
from gateway.demo.provider_requests import (
    URL,
    AuthorizationRequest,
    RedirectedError,
    Registration,
    RenderedError,
    read_authorization_request,
    response_url,
    single,
)
from gateway.demo.provider_state import INTERACTION_LIFETIME, Interaction, Provider

SESSION_COOKIE = "pc_session_id"
INVALID_REQUEST = "oidc-provider-rendered-error:invalid_request"


@dataclass(frozen=True, slots=True)
class FrontChannel:
    """The handlers; each is one address that a browser visits."""

    provider: Provider

    async def authorize(self, request: web.Request) -> web.Response:
        """The authorization endpoint: straight back with a live session, else to the page with the people."""
        sent = request.query if request.method == "GET" else await request.post()
        params = single(sent)  # type: ignore[arg-type]  # a form of a browser without files is text alone
        asked = read_authorization_request(
            params,
            clients=self.provider.clients,
            idp_ids=frozenset(person.idp_id for person in self.provider.people.values()),
        )
        hint = params.get("id_token_hint")
        if hint is not None and self.provider.read_id_token_hint(hint, asked.client) is None:
            raise RedirectedError(params, "invalid_request", "could not validate id_token_hint")
        cookie = request.cookies.get(SESSION_COOKIE, "")
        session = self.provider.session(cookie)
        if session is not None and session.reusable_for(asked):
            return self._finish(asked, code=self.provider.grant_code(cookie, asked))
        if session is None and asked.silent:
            return self._abort(asked, "login")
        uid = self.provider.token()
        self.provider.interactions[uid] = Interaction(asked, self.provider.clock())
        return see_other(f"{self.provider.path}/interaction/{uid}")

    async def choose(self, request: web.Request) -> web.Response:
        """The page with the test people and the failures."""
        uid, asked = self._interaction(request)
        return page(
            "provider_choose.html",
            form_to=asked.redirect_uri,
            action=f"{self.provider.path}/interaction/{uid}",
            asked=asked,
            people=[p for p in self.provider.people.values() if asked.idp_hint in (None, p.idp_id)],
            aborts=ABORTS,
            levels=ACR_VALUES,
            issuer=self.provider.issuer,
        )

    async def sign_in(self, request: web.Request) -> web.Response:
        """Somebody was chosen: a code, or a refusal as ProConnect gives it."""
        uid, asked = self._interaction(request)
        form = await request.post()
        person, chosen = self.provider.people.get(str(form.get("person"))), str(form.get("acr", ""))
        if person is None or chosen not in ("", *ACR_VALUES):
            raise RenderedError("Y000400", "no such person or acr")
        if person.private and asked.client.type == "public":
            retry = f"{self.provider.path}/interaction/{uid}/abort/identity"
            return error_page("Y500015", status=403, retry=retry)
        del self.provider.interactions[uid]
        return self._sign_in(request, asked, person, person.level(chosen))

    async def abort(self, request: web.Request) -> web.Response:
        """A failure was chosen, or a page of refusal left: the error response."""
        uid, asked = self._interaction(request)
        name = request.match_info["name"]
        if name not in ABORTS:
            raise RenderedError("Y000404", status=404)
        del self.provider.interactions[uid]
        return self._abort(asked, name)

    async def end_session(self, request: web.Request) -> web.Response:
        """The end session endpoint (OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3)."""
        params = single(request.query)
        client = self._signing_out(params)
        uri = params.get("post_logout_redirect_uri")
        if uri is not None and not URL.fullmatch(uri):
            raise RenderedError("Y000400", "missing or malformed: post_logout_redirect_uri")
        if client is not None and uri is not None and uri not in client.post_logout_redirect_uris:
            raise RenderedError(INVALID_REQUEST, "post_logout_redirect_uri not registered")
        self.provider.close_session(request.cookies.get(SESSION_COOKIE, ""))
        if client is not None and uri is not None:
            answer = see_other(response_url(uri, {"state": params["state"]}) if "state" in params else uri)
        else:
            answer = page("provider_message.html", title="Vous êtes bien déconnecté")
        answer.del_cookie(SESSION_COOKIE, path=self.provider.path)
        return answer

    async def home(self, _: web.Request) -> web.Response:
        """What somebody reads who opens the provider's own address."""
        return page("provider_message.html", title="Simulateur ProConnect", issuer=self.provider.issuer)

    def _interaction(self, request: web.Request) -> tuple[str, AuthorizationRequest]:
        uid = request.match_info["uid"]
        interaction = self.provider.interactions.get(uid)
        if interaction is None or interaction.begun_at + INTERACTION_LIFETIME <= self.provider.clock():
            raise RenderedError("oidc-provider-error:session-not-found")
        return uid, interaction.request

    def _sign_in(
        self, request: web.Request, asked: AuthorizationRequest, person: Person, acr: str
    ) -> web.Response:
        self.provider.sessions.pop(request.cookies.get(SESSION_COOKIE, ""), None)
        cookie = self.provider.open_session(person, acr)
        if asked.satisfied_by(acr):
            answer = self._finish(asked, code=self.provider.grant_code(cookie, asked))
        else:
            answer = self._abort(asked, "acr")
        # Like ProConnect's, without Max-Age: it ends with the browser, or after twelve hours here.
        answer.set_cookie(SESSION_COOKIE, cookie, path=self.provider.path, httponly=True, samesite="Lax")
        return answer

    def _finish(self, asked: AuthorizationRequest, *, code: str) -> web.Response:
        response = {"code": code, "state": asked.state, "iss": self.provider.issuer}
        return see_other(response_url(asked.redirect_uri, response))

    def _abort(self, asked: AuthorizationRequest, name: str) -> web.Response:
        error, description = ABORTS[name]
        response = {"error": error, "error_description": description, "state": asked.state}
        return see_other(response_url(asked.redirect_uri, {**response, "iss": self.provider.issuer}))

    def _signing_out(self, params: Mapping[str, str]) -> Registration | None:
        """The client that asks for a sign-out, by its hint or its identifier; None when it gives neither."""
        hint, client_id = params.get("id_token_hint"), params.get("client_id")
        if hint is None and client_id is None:
            return None
        if hint is None:
            client = self.provider.clients.get(client_id or "")
            if client is None:
                raise RenderedError("oidc-provider-rendered-error:invalid_client", "client is invalid")
            return client
        for client in self.provider.clients.values():
            if self.provider.read_id_token_hint(hint, client) is not None:
                if client_id not in (None, client.client_id):
                    raise RenderedError(
                        INVALID_REQUEST, "client_id does not match the provided id_token_hint"
                    )
                return client
        raise RenderedError(INVALID_REQUEST, "could not validate id_token_hint")


def see_other(url: str) -> web.Response:
    """A 303 to `url` as it is written: no library may quote it again."""
    return web.Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})
