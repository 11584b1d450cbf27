"""The test people of the look-alike provider, and which claim each scope gives.

All of them are invented. Each shows one thing that a gateway or an application must live with: accents
outside Latin-1, capitals in an address, an absent claim, an empty list, a level of assurance. How a person
signs in is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.access.assurance import LEVELS

ACR_VALUES = LEVELS
"""Every `acr` that it gives: ProConnect's."""

UNKNOWN_ACR_BECOMES = "eidas1"

SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "openid": ("sub",),
    "amr": ("amr",),
    "uid": ("uid",),
    "given_name": ("given_name",),
    "email": ("email",),
    "phone": ("phone_number",),
    "organizational_unit": ("organizational_unit",),
    "siren": ("siren",),
    "siret": ("siret",),
    "usual_name": ("usual_name",),
    "belonging_population": ("belonging_population",),
    "chorusdt": ("chorusdt:matricule", "chorusdt:societe"),
    "idp_id": ("idp_id",),
    "idp_acr": ("idp_acr",),
    "roles": ("roles",),
    "organization_label": ("organization_label",),
    "groups": ("groups",),
    "custom": ("custom",),
}
"""The claims of each scope; a scope absent here does not exist."""

PROCONNECT_IDENTITE = "71144ab3-ee1a-4401-b7b3-79b44f7daeeb"
MINISTRY = "5a0c4b1e-6f0d-4d5f-9c2b-3c1f6d0a7e42"

STATE = ("agent_public", "agent_public_etat")
TERRITORIAL = ("agent_public", "agent_public_territorial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who can be chosen on the provider's page.

    Args:
        id: what the page's buttons send; never a claim.
        sub: the subject identifier, the same for every client.
        acr: what the person's identity provider answers; a value outside `ACR_VALUES` becomes `eidas1`.
        amr: None when that identity provider says nothing of the methods it used.
        private: the person works for a private organisation, which a `public` client refuses.
        remark: what this person shows, in French, for the page.
    """

    id: str
    sub: str
    given_name: str
    usual_name: str
    email: str
    siret: str
    roles: tuple[str, ...]
    remark: str
    organization_label: str | None = None
    acr: str = "eidas1"
    amr: tuple[str, ...] | None = ("pwd",)
    idp_id: str = PROCONNECT_IDENTITE
    phone_number: str | None = None
    organizational_unit: str | None = None
    belonging_population: str | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    private: bool = False

    def level(self, chosen: str = "") -> str:
        """The `acr` of a sign-in: the one chosen on the page, or the person's own."""
        acr = chosen or self.acr
        return acr if acr in ACR_VALUES else UNKNOWN_ACR_BECOMES

    def claims(self, *, acr: str) -> dict[str, Any]:
        """Every claim about the person as JSON values, whatever the scopes; absent ones have no name here."""
        every = {
            "sub": self.sub,
            "given_name": self.given_name,
            "usual_name": self.usual_name,
            "email": self.email,
            "uid": f"agent-{self.id}",
            "siret": self.siret,
            "siren": self.siret[:9],
            "idp_id": self.idp_id,
            "idp_acr": acr,
            "acr": acr,
            "amr": list(self.amr) if self.amr is not None else None,
            "roles": list(self.roles),
            "organization_label": self.organization_label,
            "phone_number": self.phone_number,
            "organizational_unit": self.organizational_unit,
            "belonging_population": self.belonging_population,
            "custom": dict(self.custom),
        }
        return {name: value for name, value in every.items() if value is not None}


PEOPLE: tuple[Person, ...] = (
    Person(
        id="eleonore",
        sub="3f1a6c1e-8f0b-4a5e-9d2c-6b1e0c7f4a11",
        given_name="Éléonore",
        usual_name="Lefèvre-Œillet",
        email="eleonore.lefevre-oeillet@morbihan.example.gouv.fr",
        siret="10000001700010",
        organization_label="Préfecture du Morbihan",
        roles=STATE,
        phone_number="+33 2 00 00 00 11",
        organizational_unit="Bureau de l'état civil",
        belonging_population="agent",
        custom={"site": "Vannes"},
        remark="Accents et Œ dans le nom",
    ),
    Person(
        id="jean-baptiste",
        sub="8b0f2d47-51c3-4c8e-8a7d-2f9b4e6d1c22",
        given_name="Jean-Baptiste",
        usual_name="NGUYEN",
        email="Jean-Baptiste.NGUYEN@Finances.Example.gouv.fr",
        siret="10000001700010",
        organization_label="Ministère de l'Économie d'essai",
        roles=STATE,
        phone_number="+33 1 00 00 00 22",
        idp_id=MINISTRY,
        remark="Adresse avec des majuscules",
    ),
    Person(
        id="maelys",
        sub="c5d9e0a3-7b64-4f12-b3e8-0a5c9d7e2f33",
        given_name="Maëlys Anaïs",
        usual_name="d'Aubigné",
        email="maelys.daubigne@ville.example.fr",
        siret="21340126800130",
        organization_label="Commune de Saint-Aubin-des-Pins",
        roles=TERRITORIAL,
        remark="Sans numéro de téléphone",
    ),
    Person(
        id="zoe",
        sub="1e7b5f90-2c8d-4e6a-a4f1-9d3b6c0e8a44",
        given_name="Zoé",
        usual_name="Ben Haïm",
        email="zoe.benhaim@mairie.example.fr",
        siret="21920023500014",
        roles=TERRITORIAL,
        phone_number="+33 1 00 00 00 44",
        remark="Sans libellé d'organisation",
    ),
    Person(
        id="loic",
        sub="9a4c8e21-6d3f-4b7a-8c5e-7e1f2a9b0d55",
        given_name="Loïc",
        usual_name="Le Goff",
        email="loic.legoff@mairie.example.fr",
        siret="21920023500014",
        organization_label="Commune de Valmont-sur-Orge",
        roles=(),
        remark="Liste de rôles vide",
    ),
    Person(
        id="ahmed",
        sub="e2f6b7d8-0a1c-4d9e-9b4f-5c8a3e7d1f66",
        given_name="Ahmed",
        usual_name="Çelik",
        email="ahmed.celik@prestataire.example.fr",
        siret="10000001700010",
        organization_label="Préfecture du Morbihan",
        roles=STATE,
        acr="eidas0",
        amr=None,
        belonging_population="prestataire",
        remark="Identité déclarée, sans amr",
    ),
    Person(
        id="noemie",
        sub="47d1c9f5-3e8b-4a2d-b6c7-1f0e5d9a8b77",
        given_name="Noémie",
        usual_name="Kowalczyk",
        email="noemie.kowalczyk@finances.example.gouv.fr",
        siret="10000001700010",
        organization_label="Ministère de l'Économie d'essai",
        roles=STATE,
        acr="eidas1-mfa",
        amr=("pwd", "otp", "mfa"),
        idp_id=MINISTRY,
        remark="Double authentification",
    ),
    Person(
        id="anne-sophie",
        sub="b8e3a5c0-9f7d-4c1b-a2e6-4d6f0b8c9e88",
        given_name="Anne-Sophie",
        usual_name="Müller",
        email="anne-sophie.muller@finances.example.gouv.fr",
        siret="10000001700010",
        organization_label="Ministère de l'Économie d'essai",
        roles=STATE,
        acr="eidas2",
        amr=("pwd", "pop", "mfa"),
        idp_id=MINISTRY,
        remark="Niveau substantiel",
    ),
    Person(
        id="francoise",
        sub="d0c2f4e6-5b9a-4e3c-8d1f-8a7b6c5d4e99",
        given_name="Françoise",
        usual_name="Durand",
        email="francoise.durand@atelier-durand.example",
        siret="41816609600069",
        organization_label="Atelier Durand SARL",
        roles=(),
        private=True,
        remark="Secteur privé, refusée",
    ),
)
"""Nine people; the first one is whom a newcomer meets first."""
