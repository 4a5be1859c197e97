"""Applications: register, read, list, revise, retire."""

from idnode.frontends.bodies import parse_members
from idnode.frontends.v1.answers import answer_json, location_of, page_json, uuid_after, uuid_of
from idnode.frontends.v1.routes import ADMIN, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.reporting import (
    ApplicationIn,
    ApplicationOut,
    ApplicationPage,
    ApplicationPatch,
    ApplicationQuery,
    application_members,
)
from idnode.model.application import Application
from idnode.registry.applications import ApplicationForm, ApplicationRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.reporting_json import application_document

TOPIC = "reporting"


class ApplicationsApi:
    """Handlers of the application routes; all of them are the admin's."""

    def __init__(self, applications: ApplicationRegistry) -> None:
        self._applications = applications

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/applications/{id}"
        return (
            Route("POST", "/v1/applications", "register_application", "Register an application", self.register,
                  ADMIN, ApplicationOut, 201, ApplicationIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/applications", "list_applications", "List applications", self.page,
                  ADMIN, ApplicationPage, query=ApplicationQuery, topic=TOPIC),
            Route("GET", one, "read_application", "Read an application", self.read,
                  ADMIN, ApplicationOut, topic=TOPIC),
            Route("PATCH", one, "revise_application", "Change what is said of an application", self.revise,
                  ADMIN, ApplicationOut, body=ApplicationPatch, query=WriteQuery, topic=TOPIC),
            Route("DELETE", one, "retire_application", "Retire: it is not reported any more", self.retire,
                  ADMIN, ApplicationOut, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def register(self, call: Call) -> KeptAnswer:
        """POST /v1/applications."""
        return await self._applications.register(call.body_as(ApplicationIn).form(), call.asked, _registered)

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/applications."""
        query = call.query_as(ApplicationQuery)
        found = await self._applications.page(
            after=uuid_after(query.cursor), enterprise=query.enterprise, state=query.state, limit=query.limit
        )
        documents = [application_document(each) for each in found]
        return page_json(documents, limit=query.limit, cursors=[str(each.id) for each in found])

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/applications/{id}."""
        return _shown(await self._applications.find(uuid_of(call.path["id"])))

    async def revise(self, call: Call) -> KeptAnswer:
        """PATCH /v1/applications/{id}."""
        patch = call.body_as(ApplicationPatch)
        id = uuid_of(call.path["id"])
        return await self._applications.revise(id, lambda current: _patched(current, patch), call.asked, _shown)

    async def retire(self, call: Call) -> KeptAnswer:
        """DELETE /v1/applications/{id}."""
        return await self._applications.retire(uuid_of(call.path["id"]), call.asked, _shown)


def _patched(current: Application, patch: ApplicationPatch) -> ApplicationForm:
    return parse_members(ApplicationIn, application_members(current) | patch.model_dump(exclude_unset=True)).form()


def _registered(application: Application) -> KeptAnswer:
    location = location_of("applications", str(application.id))
    return answer_json(application_document(application), status=201, version=1, location=location)


def _shown(application: Application) -> KeptAnswer:
    return answer_json(application_document(application), version=application.version)
