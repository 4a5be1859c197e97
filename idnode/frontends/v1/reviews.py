"""Reviews of applications: list, read, approve, reject."""

from idnode.frontends.v1.answers import answer_json, cursor_key, foreign_cursor, page_json, uuid_of
from idnode.frontends.v1.routes import REVIEWERS, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.reviews import RejectionIn, ReviewDetailOut, ReviewOut, ReviewPage, ReviewQuery
from idnode.model.enterprise_application import EnterpriseApplication
from idnode.registry.enterprise_applications import EnterpriseApplicationRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.review_json import full_review_document, review_document

TOPIC = "reviews"
NUMBER_MAX = (1 << 63) - 1


class ReviewsApi:
    """Handlers of the review routes; a reviewer with a scope decides on the prefixes in it."""

    def __init__(self, applications: EnterpriseApplicationRegistry) -> None:
        self._applications = applications

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/reviews/{id}"
        return (
            Route("GET", "/v1/reviews", "list_reviews", "List applications of enterprises", self.page,
                  REVIEWERS, ReviewPage, query=ReviewQuery, topic=TOPIC),
            Route("GET", one, "read_review", "Read an application with all that it says", self.read,
                  REVIEWERS, ReviewDetailOut, topic=TOPIC),
            Route("POST", f"{one}/approve", "approve_review",
                  "Approve: enterprise, profile, prefix and user are made at once; the top node has the last word",
                  self.approve, REVIEWERS, ReviewOut, query=WriteQuery, topic=TOPIC),
            Route("POST", f"{one}/reject", "reject_review", "Reject with a reason; it can be mended and sent again",
                  self.reject, REVIEWERS, ReviewOut, body=RejectionIn, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/reviews."""
        query = call.query_as(ReviewQuery)
        found = await self._applications.reviews(
            after=_number_after(query.cursor), among=call.reader.prefixes or None, state=query.state, limit=query.limit
        )
        documents = [review_document(each) for each in found]
        return page_json(documents, limit=query.limit, cursors=[str(each.number) for each in found])

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/reviews/{id}."""
        application = await self._applications.find(uuid_of(call.path["id"]), call.reader)
        files = await self._applications.files(application)
        return answer_json(full_review_document(application, files), version=application.version)

    async def approve(self, call: Call) -> KeptAnswer:
        """POST /v1/reviews/{id}/approve."""
        return await self._applications.approve(uuid_of(call.path["id"]), call.asked, _shown)

    async def reject(self, call: Call) -> KeptAnswer:
        """POST /v1/reviews/{id}/reject."""
        reason = call.body_as(RejectionIn).reason
        return await self._applications.reject(uuid_of(call.path["id"]), reason, call.asked, _shown)


def _number_after(cursor: str | None) -> int:
    key = cursor_key(cursor) or "0"
    if not (key.isascii() and key.isdigit() and len(key) <= len(str(NUMBER_MAX)) and int(key) <= NUMBER_MAX):
        raise foreign_cursor(cursor or "")
    return int(key)


def _shown(application: EnterpriseApplication) -> KeptAnswer:
    return answer_json(review_document(application), version=application.version)
