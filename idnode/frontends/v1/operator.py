"""The operator of the node: read, replaced."""

from idnode.frontends.v1.answers import answer_json
from idnode.frontends.v1.routes import ADMIN, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.reporting import OperatorIn, OperatorOut
from idnode.model.organisation import Operator
from idnode.model.reporting import Report
from idnode.registry.organisations import OrganisationRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.reporting_json import missing_fields, operator_document, routes_of

TOPIC = "reporting"


class OperatorApi:
    """Handlers of the operator's routes; they are the admin's, because they hold identity documents."""

    def __init__(self, organisations: OrganisationRegistry) -> None:
        self._organisations = organisations

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        path = "/v1/operator"
        return (
            Route("GET", path, "read_operator", "Read what the top node is told of the operator (T1, T2)", self.read,
                  ADMIN, OperatorOut, topic=TOPIC),
            Route("PUT", path, "describe_operator", "Replace it; the answer lists what is missing", self.describe,
                  ADMIN, OperatorOut, body=OperatorIn, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def read(self, call: Call) -> KeptAnswer:  # noqa: ARG002  # there is one operator
        """GET /v1/operator."""
        return _shown(await self._organisations.operator())

    async def describe(self, call: Call) -> KeptAnswer:
        """PUT /v1/operator."""
        body = call.body_as(OperatorIn)
        return await self._organisations.describe_operator(
            body.organisation_members(), body.resolution_members(), call.asked, _shown
        )


def _shown(operator: Operator) -> KeptAnswer:
    missing = [f"/organisation{pointer}" for pointer in missing_fields(Report.T1, operator.organisation)]
    missing += [
        "/resolution" + pointer.removeprefix("/routes")
        for pointer in missing_fields(Report.T2, routes_of(operator.resolution))
    ]
    return answer_json({**operator_document(operator), "missing": missing}, version=operator.version)
