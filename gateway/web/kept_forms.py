"""Forms that come after their session has ended: kept for a while, and sent on once, by the same person.

Only a form that a page of this very origin sent is kept, and only for a browser at which somebody was signed
in: strangers and other sites cost the store nothing. It is kept as octets, and goes the way of every request:
its target, its method and its origin are those that it was sent with, and the policy decides about it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from gateway.errors import Fault, TooLargeError, UpstreamError
from gateway.observe.audit import Audit, Event
from gateway.secret import Secret
from gateway.sessions.current import current_session
from gateway.sessions.kept_form import (
    FORM_ID,
    FormCookie,
    KeptForm,
    find_form_cookie,
    form_cookie_name,
    new_form_cookie,
)
from gateway.sessions.last_person import LastPerson, person_of
from gateway.sessions.return_to import HOME, ReturnTo
from gateway.sessions.seal import Sealer
from gateway.sessions.session import Session, SignedIn
from gateway.sessions.store import RecordStore
from gateway.web.attempts import delete_cookie, set_cookie
from gateway.web.form_places import FormPlaces
from gateway.web.form_requests import (
    READING,
    Submitted,
    describing,
    is_from_here,
    page_of,
)
from gateway.web.forms import URLENCODED, read_body
from gateway.web.last_people import LastPeople
from gateway.web.notes import NOTES
from gateway.web.paths import OwnPaths
from gateway.web.site import Site, Visit

_KINDS: Final = frozenset({URLENCODED, "multipart/form-data", "text/plain", "application/json"})

_MOST_AT_ONCE: Final = 16  # read by one process


@dataclass(frozen=True, slots=True)
class NotThere:
    """The form that is meant is not here.

    Args:
        why: `sent` already, `other-person` when somebody else sent it, else `gone`.
        page: where it was filled in, as far as that is known.
    """

    why: str
    page: ReturnTo = HOME


@dataclass(slots=True)
class _Reading:
    now: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForms:
    """Keeps forms and gives them out again.

    Args:
        paths: the gateway's own paths.
        records: where sealed forms are kept.
        sealer: seals and opens them.
        places: bound how many are kept at once.
        last_people: whose form it is when the session is gone.
        largest: octets of a form that is kept; 0 keeps none.
        lifetime: seconds for which it is kept.
        audit: told of each form that is kept, sent on or dropped.
        random: draws octets.
        token: draws what a page must show to have a form sent.
    """

    paths: OwnPaths
    records: RecordStore
    sealer: Sealer
    places: FormPlaces
    last_people: LastPeople
    largest: int
    lifetime: int
    audit: Audit
    random: Callable[[int], bytes]
    token: Callable[[], str]
    _reading: _Reading = field(default_factory=_Reading)

    def hand_over(self, response: web.StreamResponse, site: Site, cookie: FormCookie) -> None:
        """Give the browser the handle to a form that was kept."""
        name = form_cookie_name(cookie.id, secure=site.secure)
        set_cookie(response, name, cookie.value, site=site, lifetime=self.lifetime)

    def take_back(self, response: web.StreamResponse, site: Site, form: str) -> None:
        """Have the browser forget a handle."""
        delete_cookie(response, form_cookie_name(form, secure=site.secure), secure=site.secure)

    async def keep(self, request: web.Request, visit: Visit, session: Session) -> FormCookie | None:
        """Keep a form, for who is signed in or was signed in last; None when it is not one to keep.

        Raises:
            TooLargeError: it would be, if it were smaller.
            RequestError: its body is malformed, too slow or cut off.
            StoreError: the store did not answer.
        """
        site = visit.site
        who = self.last_people.at(request, site, session)
        kind = request.content_type in _KINDS and is_from_here(request, site)
        if who is None or not kind or not self.largest or self._reading.now >= _MOST_AT_ONCE:
            return None
        if (visit.framing.length or 0) > self.largest:
            raise TooLargeError(Fault.FORM_TOO_LARGE, most=self.largest)
        places = await self.places.take(who.session)
        if not places:
            return None
        try:
            return await self._keep(request, visit, who, places)
        except BaseException:
            await self.places.free(places)
            raise

    async def _keep(
        self, request: web.Request, visit: Visit, who: LastPerson, places: tuple[str, ...]
    ) -> FormCookie:
        self._reading.now += 1
        try:
            body = await read_body(request, visit.framing, most=self.largest, within=READING)
        finally:
            self._reading.now -= 1
        cookie = new_form_cookie(self.random)
        form = KeptForm(
            host=visit.site.app.host,
            target=visit.asked.target,
            person=who.person,
            page=page_of(request, visit.site, own_prefix=self.paths.prefix),
            fields=describing(request),
            body=body,
            token=self.token(),
            places=places,
        )
        sealed = cookie.seal(form, sealer=self.sealer, random=self.random)
        await self.records.put(cookie.key, sealed, lifetime=self.lifetime)
        self._tell(Event.FORM_KEPT, request, visit, form)
        return cookie

    async def find(self, request: web.Request, site: Site, form: str) -> KeptForm | NotThere:
        """A form of this browser's by its id, whoever is signed in.

        Raises:
            StoreError: the store did not answer.
        """
        cookie = (
            find_form_cookie(request.cookies, form, secure=site.secure) if FORM_ID.fullmatch(form) else None
        )
        if cookie is None:
            return NotThere("gone")
        sealed = await self.records.get(cookie.key)
        if sealed is None:
            return NotThere("gone" if await self.records.get(_sent(cookie)) is None else "sent")
        found = cookie.open(sealed, sealer=self.sealer, own_prefix=self.paths.prefix)
        return found if found is not None and found.host == site.app.host else NotThere("gone")

    async def find_own(self, request: web.Request, visit: Visit, form: str) -> KeptForm | NotThere:
        """The same, if whoever is signed in has sent it; somebody else's is dropped.

        Raises:
            StoreError: the store did not answer.
        """
        found = await self.find(request, visit.site, form)
        if isinstance(found, NotThere):
            return found
        session = await current_session(request)
        if not isinstance(session, SignedIn):
            return NotThere("gone", found.page)
        if found.person == person_of(session):
            return found
        await self.drop(request, visit, form, found, why="other-person")
        return NotThere("other-person", found.page)

    async def take(self, request: web.Request, visit: Visit, submitted: Submitted) -> KeptForm | NotThere:
        """The form to be sent on now: for one taker alone, and for whoever sent it.

        Raises:
            StoreError: the store did not answer.
        """
        found = await self.find_own(request, visit, submitted.form)
        if isinstance(found, NotThere):
            return found
        if found.target != visit.asked.target or Secret(found.token) != submitted.token:
            return NotThere("gone", found.page)
        cookie = find_form_cookie(request.cookies, submitted.form, secure=visit.site.secure)
        if cookie is None or not await self.records.claim(_sent(cookie), lifetime=self.lifetime):
            return NotThere("sent", found.page)
        return found

    async def sent(self, request: web.Request, visit: Visit, submitted: Submitted, form: KeptForm) -> None:
        """Drop a form that has reached its application."""
        self._tell(Event.FORM_SENT, request, visit, form)
        await self._delete(request, visit, submitted.form, form)

    async def failed(
        self, request: web.Request, visit: Visit, submitted: Submitted, error: UpstreamError
    ) -> None:
        """Let a form be sent once more, if it is sure that nothing of it has reached the application."""
        cookie = find_form_cookie(request.cookies, submitted.form, secure=visit.site.secure)
        never_reached = error.fault is Fault.UPSTREAM_BUSY or "address" in error.facts
        if cookie is not None and never_reached:
            await self.records.delete(_sent(cookie))

    async def drop(
        self, request: web.Request, visit: Visit, form_id: str, form: KeptForm, *, why: str
    ) -> None:
        """Forget a form that will not be sent."""
        await self._delete(request, visit, form_id, form)
        self._tell(Event.FORM_DROPPED, request, visit, form, why=why)

    async def _delete(self, request: web.Request, visit: Visit, form_id: str, form: KeptForm) -> None:
        cookie = find_form_cookie(request.cookies, form_id, secure=visit.site.secure)
        if cookie is not None:
            await self.records.delete(cookie.key)
        await self.places.free(form.places)

    def _tell(
        self, event: Event, request: web.Request, visit: Visit, form: KeptForm, *, why: str | None = None
    ) -> None:
        self.audit.record(
            event,
            request_id=request[NOTES].request_id,
            app=visit.site.app.name,
            client=visit.asked.client,
            path=form.target.partition("?")[0],
            octets=len(form.body),
            **({"why": why} if why else {}),
        )


def _sent(cookie: FormCookie) -> str:
    return f"{cookie.key}:sent"
