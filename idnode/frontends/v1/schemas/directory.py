"""Documents of enterprises, prefixes and keys."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from idnode.frontends.v1.schemas.fields import (
    AddressText,
    Document,
    EmailText,
    Form,
    IndustryCode,
    Instant,
    Line,
    Line16,
    Line128,
    PageQuery,
    PatchForm,
    Port,
    PrefixText,
    Text,
    UsccText,
    broken,
)
from idnode.model.access import Role
from idnode.model.enterprise import Contact, Enterprise, EnterpriseState
from idnode.model.identifier import Prefix
from idnode.model.industry import Industry
from idnode.model.prefix_registration import Hosting, PrefixState, SiteEndpoint
from idnode.registry.commands import EnterpriseForm, KeyForm, PrefixForm

OVERLAP_SECONDS_MAX = 30 * 86_400


class ContactIn(Form):
    """Whom to call."""

    name: Line128 | None = None
    phone: Line16 | None = None
    email: EmailText | None = None


class EnterpriseIn(Form):
    """An enterprise to register."""

    name: Line
    uscc: UsccText
    industry: IndustryCode
    contact: ContactIn = ContactIn()
    website: Line | None = None
    address: Line | None = None

    def form(self) -> EnterpriseForm:
        """As the registry wants it."""
        contact = Contact(self.contact.name, self.contact.phone, self.contact.email)
        return EnterpriseForm(self.name, self.uscc, Industry(self.industry), contact, self.website, self.address)


class EnterprisePatch(PatchForm):
    """Members to change; `contact` is merged member by member, null clears."""

    name: Line | None = None
    uscc: UsccText | None = None
    industry: IndustryCode | None = None
    contact: ContactIn | None = None
    website: Line | None = None
    address: Line | None = None


class EnterpriseOut(Document):
    """A registered enterprise."""

    id: UUID
    name: str
    uscc: str
    industry: str
    industry_levels: list[str]
    contact: ContactIn
    website: str | None
    address: str | None
    state: EnterpriseState
    version: int
    created: datetime
    updated: datetime


class EnterpriseQuery(PageQuery):
    """Filters of the list."""

    state: EnterpriseState | None = None


class EnterprisePage(Document):
    """A page of enterprises."""

    items: list[EnterpriseOut]
    next: str | None


def enterprise_members(enterprise: Enterprise) -> dict[str, object]:
    """What EnterpriseIn would have to hold to give this enterprise; patches are laid over it."""
    contact = enterprise.contact
    return {
        "name": enterprise.name,
        "uscc": enterprise.uscc,
        "industry": enterprise.industry.code,
        "contact": {"name": contact.name, "phone": contact.phone, "email": contact.email},
        "website": enterprise.website,
        "address": enterprise.address,
    }


class SiteIn(Form):
    """Where a self-hosting enterprise answers: an address and at least one port."""

    ip: AddressText
    tcp_port: Port | None = None
    udp_port: Port | None = None
    http_port: Port | None = None

    @model_validator(mode="after")
    def _has_a_port(self) -> Self:
        if self.tcp_port is None and self.udp_port is None and self.http_port is None:
            raise broken("ports", "needs at least one of tcp_port, udp_port, http_port")
        return self

    def endpoint(self) -> SiteEndpoint:
        """As the registry wants it."""
        return SiteEndpoint(self.ip, self.tcp_port, self.udp_port, self.http_port)


class PrefixIn(Form):
    """A prefix to give to an enterprise."""

    prefix: PrefixText
    enterprise: UUID
    hosting: Hosting = Hosting.HOSTED
    site: SiteIn | None = None
    state: Literal["active", "waiting"] = "active"

    @model_validator(mode="after")
    def _has_a_site_when_self_hosted(self) -> Self:
        require_site(self.hosting, self.site)
        return self

    def form(self) -> PrefixForm:
        """As the registry wants it."""
        site = None if self.site is None else self.site.endpoint()
        return PrefixForm(Prefix.parse(self.prefix), self.enterprise, self.hosting, site, PrefixState(self.state))


def require_site(hosting: Hosting, site: SiteIn | None) -> None:
    """Refuses a site that is missing or too much: it is there exactly when the enterprise hosts itself."""
    if hosting is Hosting.SELF and site is None:
        raise broken("site", "hosting self needs site: {ip, tcp_port?, udp_port?, http_port?}")
    if hosting is Hosting.HOSTED and site is not None:
        raise broken("site", "site belongs to hosting self; this node answers for hosted prefixes")


class PrefixPatch(Form):
    """Either a new state (when it is rejected, with the reason), or a new hosting with its site."""

    state: PrefixState | None = None
    review_note: Text | None = None
    hosting: Hosting | None = None
    site: SiteIn | None = None

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.state is None) == (self.hosting is None):
            raise broken("one-change", "send either state, or hosting (with site when it is self)")
        if self.hosting is not None:
            require_site(self.hosting, self.site)
        elif self.site is not None:
            raise broken("site", "site belongs to hosting self")
        if self.review_note is not None and self.state is not PrefixState.REJECTED:
            raise broken("review-note", "review_note belongs to state rejected: it says why")
        return self


class PrefixOut(Document):
    """A registered prefix; `enterprise` is null for the node's own. `review_note` is why it was rejected."""

    prefix: str
    enterprise: UUID | None
    state: PrefixState
    hosting: Hosting
    site: SiteIn | None
    review_note: str | None
    version: int
    created: datetime
    updated: datetime


class PrefixQuery(PageQuery):
    """Filters of the list."""

    enterprise: UUID | None = None
    state: PrefixState | None = None


class PrefixPage(Document):
    """A page of prefixes."""

    items: list[PrefixOut]
    next: str | None


class KeyIn(Form):
    """An API key to make. No `prefixes` means every prefix: always so for an admin key, never for an enterprise key."""

    name: Line
    role: Role
    prefixes: Annotated[list[PrefixText], Field(max_length=1_000)] = []
    expires: Instant | None = None

    @model_validator(mode="after")
    def _is_scoped(self) -> Self:
        if self.role is Role.ENTERPRISE and not self.prefixes:
            raise broken("scope", "an enterprise key needs at least one prefix in prefixes")
        # Who makes keys could make one without a scope: the scope of an admin key would hold nothing in.
        if self.role is Role.ADMIN and self.prefixes:
            raise broken("scope", "an admin key reaches every prefix; leave prefixes out, or take another role")
        return self

    def form(self) -> KeyForm:
        """As the registry wants it."""
        return KeyForm(self.name, self.role, tuple(Prefix.parse(text) for text in self.prefixes), self.expires)


class KeyPatch(PatchForm):
    """Members to change."""

    name: Line | None = None
    prefixes: Annotated[list[PrefixText], Field(max_length=1_000)] | None = None
    expires: Instant | None = None


class RotateIn(Form):
    """How long the old key works on, seconds."""

    overlap_seconds: Annotated[int, Field(ge=0, le=OVERLAP_SECONDS_MAX)] = 86_400


class KeyOut(Document):
    """An API key; never its secret."""

    id: UUID
    name: str
    role: Role
    prefixes: list[str]
    hint: str
    replaces: UUID | None
    version: int
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None


class KeyMade(KeyOut):
    """A new API key with its secret in `key`: shown this once, absent from a dry run."""

    key: str | None = None


class KeyPage(Document):
    """A page of API keys."""

    items: list[KeyOut]
    next: str | None
