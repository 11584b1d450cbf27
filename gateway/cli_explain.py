"""`proconnect-gateway explain`: what would be decided about a request, or about all of a recording."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import click
from rich.markup import escape

from gateway.errors import StoreError
from gateway.explain import Explanation, Person, answers_at, explain
from gateway.har import Recorded, read_har
from gateway.listing import printable
from gateway.sessions.summary import By, Summary
from gateway.settings.model import Settings
from gateway.settings.urls import MemoryStore
from gateway.signed_in import Chosen, find, open_directory
from gateway.terminal import config_option, counted, err, fail, out, settings_at

_RULE, _SIGN_OUT, _DECISION = "rule", "sign-out", "decision"


@click.command(name="explain", short_help="Say what would be decided about a request, and why.")
@click.argument("method", required=False)
@click.argument("url", required=False)
@click.option(
    "--claims",
    type=click.File(encoding="utf-8"),
    help="A JSON file with the claims of a person who is signed in; without it, nobody is.",
)
@click.option(
    "--session",
    metavar="ID",
    help="The person of a session, by the id that `sessions list` and the log have for it.",
)
@click.option(
    "--har",
    type=click.File(encoding="utf-8-sig"),
    help="A browser's recording (HAR), in place of METHOD and URL: each of its requests, one a line.",
)
@config_option
def explain_command(
    *,
    method: str | None,
    url: str | None,
    claims: TextIO | None,
    session: str | None,
    har: TextIO | None,
    path: Path,
) -> None:
    """Say what the gateway would decide about a request, by which rule, and what the application gets.

    METHOD is GET, POST or the like. URL is an address as the browser shows it, or a path alone for the host
    of gateway.public_url. Nothing is sent, but that --session asks the store.

    A recording is what a browser's developer tools save of the network, as HAR. Cookies and forms may be in
    it: keep it as you would keep a password. What is printed of it has neither queries nor contents.
    """
    if (har is None) != (method is not None and url is not None) or (har and (method or url)):
        raise click.UsageError("Give METHOD and URL, or a recording with --har.")
    if claims is not None and session is not None:
        raise click.UsageError("Only one of --claims and --session can be given.")
    settings = settings_at(path)
    person = None
    if claims is not None:
        person = Person(_claims(claims))
    elif session is not None:
        person = _of_session(settings, session)
    explained = partial(explain, settings, person=person)
    if har is not None:
        _replay(_recorded(har), explained, ours=partial(answers_at, settings))
    else:
        try:
            _print(explained(method=(method or "").upper(), url=url or ""))
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="URL") from error


def _print(explanation: Explanation) -> None:
    fields = [f"{name}: {value}" for name, value in explanation.fields]
    lines = [*explanation.lines, *zip(["fields", *[""] * len(fields)], fields, strict=False)]
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        out.print(f"[bold]{escape(name.ljust(width))}[/]  {escape(text)}")


def _replay(
    recorded: list[Recorded], explained: Callable[..., Explanation], *, ours: Callable[[str], bool]
) -> None:
    """One line for each request: the status it got then, what is decided now, by which rule; then sums."""
    decisions: Counter[str] = Counter()
    for request in recorded:
        try:
            if ours(request.url):
                lines = dict(explained(method=request.method, url=request.url).lines)
            else:
                lines = {_DECISION: "another host"}
        except ValueError:
            lines = {_DECISION: "passed over: no address of a page"}
        decision = lines[_DECISION].partition(":")[0]
        decisions[decision] += 1
        was = str(request.status or "-").rjust(3)
        rule = lines.get(_RULE, "").partition(":")[0] + (", sign-out" if _SIGN_OUT in lines else "")
        asked = printable(f"{request.method} {request.shown}")
        out.print(f"{was}  [bold]{escape(decision)}[/]  {escape(rule)}  {escape(asked)}")
    if not recorded:
        out.print("The recording holds no request.")
    for decision, number in decisions.most_common():
        err.print(f"{counted(number, 'request')}: {escape(decision)}")


def _recorded(har: TextIO) -> list[Recorded]:
    try:
        return read_har(har.read())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--har") from error


def _claims(file: TextIO) -> dict[str, Any]:
    try:
        person = json.load(file)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--claims") from error
    if not isinstance(person, dict) or not isinstance(person.get("sub"), str):
        raise click.BadParameter('a JSON object with at least "sub" is needed', param_hint="--claims")
    return person


def _of_session(settings: Settings, session: str) -> Person:
    if isinstance(settings.sessions.store, MemoryStore):
        fail("sessions in memory are seen by the process of their gateway alone", "give --claims instead")
    try:
        summary = asyncio.run(_summary(settings, session))
    except StoreError as error:
        fail(
            f"the session store did not answer: {error.facts.get('cause', error.fault.value)}",
            "see `proconnect-gateway check`",
        )
    if summary is None:
        fail(f"there is no session {printable(session)}", "see `proconnect-gateway sessions list`")
    return Person(_listed(summary), host=summary.host, whole=False)


async def _summary(settings: Settings, session: str) -> Summary | None:
    async with open_directory(settings) as directory:
        return await anext(
            (summary async for _, summary in find(directory, Chosen(By.ID, session)) if summary), None
        )


def _listed(summary: Summary) -> Mapping[str, str]:
    """The claims that are listed of a session; all others are sealed with the cookie of its browser."""
    known = {
        "sub": summary.sub,
        "email": summary.email,
        "siret": summary.siret,
        "acr": summary.acr,
        "organization_label": summary.organisation,
    }
    return {name: value for name, value in known.items() if value is not None}
