"""Profiles of enterprises: read, replaced."""

from idnode.frontends.v1.answers import answer_json, uuid_of
from idnode.frontends.v1.routes import ADMIN, REVIEWERS, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.reporting import ProfileIn, ProfileOut
from idnode.model.enterprise import Enterprise
from idnode.model.errors import Forbidden
from idnode.model.organisation import EnterpriseProfile
from idnode.model.reporting import Report
from idnode.registry.organisations import OrganisationRegistry
from idnode.registry.prefixes import PrefixRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.directory_json import enterprise_document
from idnode.wire.reporting_json import missing_fields, organisation_of, profile_document

TOPIC = "reporting"


class ProfilesApi:
    """Handlers of the routes of profiles."""

    def __init__(self, organisations: OrganisationRegistry, prefixes: PrefixRegistry) -> None:
        self._organisations = organisations
        self._prefixes = prefixes

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        path = "/v1/enterprises/{id}/profile"
        return (
            Route("GET", path, "read_profile", "Read what the top node is told of an enterprise (T6)", self.read,
                  REVIEWERS, ProfileOut, topic=TOPIC),
            Route("PUT", path, "describe_profile", "Replace it; the answer lists what is missing", self.describe,
                  ADMIN, ProfileOut, body=ProfileIn, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/enterprises/{id}/profile."""
        id, scope = uuid_of(call.path["id"]), call.reader.prefixes
        if scope and id not in await self._prefixes.enterprises_of(scope):
            raise Forbidden(f"enterprise {id} holds none of the prefixes in this key's scope")
        return _shown(*await self._organisations.profile(id))

    async def describe(self, call: Call) -> KeptAnswer:
        """PUT /v1/enterprises/{id}/profile."""
        members = call.body_as(ProfileIn).organisation_members()
        return await self._organisations.describe_profile(uuid_of(call.path["id"]), members, call.asked, _shown)


def _shown(enterprise: Enterprise, profile: EnterpriseProfile) -> KeptAnswer:
    data = organisation_of(enterprise_document(enterprise), profile.organisation)
    missing = [f"/organisation{pointer}" for pointer in missing_fields(Report.T6, data)]
    return answer_json({**profile_document(profile), "missing": missing}, version=profile.version)
