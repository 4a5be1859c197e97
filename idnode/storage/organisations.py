"""The operator and the profiles of enterprises: JSON documents, one row each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import asyncpg
import orjson

from idnode.model.change import Trace
from idnode.model.errors import VersionMoved
from idnode.model.organisation import NO_OPERATOR, EnterpriseProfile, Operator
from idnode.model.prefix_registration import PrefixRegistration
from idnode.storage.database import Database, Session
from idnode.storage.statements import statements
from idnode.wire.directory_json import prefix_document

SQL = statements("organisations")


class OrganisationStore:
    """Reads and writes of the tables operator and enterprise_profile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def operator(self) -> Operator:
        """The operator; NO_OPERATOR before anything was said of it."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_operator"])
        if row is None:
            return NO_OPERATOR
        resolution = tuple(orjson.loads(row["resolution"]))
        return Operator(orjson.loads(row["organisation"]), resolution, row["version"], row["updated"])

    async def write_operator(self, session: Session, operator: Operator) -> None:
        """Replace the version before. Raises VersionMoved."""
        sql = SQL["insert_operator"] if operator.version == 1 else SQL["update_operator"]
        columns = (orjson.dumps(operator.organisation), orjson.dumps(operator.resolution))
        if await session.row(sql, *columns, operator.version, operator.updated) is None:
            raise VersionMoved("the operator was changed by someone else meanwhile")

    async def reroute(self, session: Session, prefixes: Sequence[PrefixRegistration], trace: Trace) -> None:
        """Give prefixes a new version and a change row each: their routes are others. Raises VersionMoved."""
        following = [replace(each, version=each.version + 1, updated=trace.at) for each in prefixes]
        names, versions = [each.prefix.folded for each in prefixes], [each.version for each in prefixes]
        if len(await session.rows(SQL["reroute_prefixes"], trace.at, names, versions)) != len(names):
            raise VersionMoved("a prefix was changed by someone else meanwhile")
        await session.run(
            SQL["log_reroutes"],
            trace.at,
            trace.actor,
            trace.request_id,
            names,
            [each.version for each in following],
            [orjson.dumps(prefix_document(each)) for each in prefixes],
            [orjson.dumps(prefix_document(each)) for each in following],
        )

    async def profile(self, enterprise: UUID) -> EnterpriseProfile:
        """The profile of an enterprise; version 0 before anything was said of it."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_profile"], enterprise)
        return EnterpriseProfile(enterprise, {}, 0, None) if row is None else _profile(row)

    async def profiles(self, enterprises: Sequence[UUID]) -> Mapping[UUID, EnterpriseProfile]:
        """The profiles of these enterprises; those of which nothing was said are absent."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["find_profiles"], enterprises)
        return {row["enterprise"]: _profile(row) for row in rows}

    async def write_profile(self, session: Session, profile: EnterpriseProfile) -> None:
        """Replace the version before. Raises VersionMoved."""
        sql = SQL["insert_profile"] if profile.version == 1 else SQL["update_profile"]
        document = orjson.dumps(profile.organisation)
        if await session.row(sql, profile.enterprise, document, profile.version, profile.updated) is None:
            raise VersionMoved(f"the profile of enterprise {profile.enterprise} was changed by someone else meanwhile")


def _profile(row: asyncpg.Record) -> EnterpriseProfile:
    return EnterpriseProfile(row["enterprise"], orjson.loads(row["organisation"]), row["version"], row["updated"])
