"""From the enterprise object of an application to the enterprise, and to the fields of T6; pure."""

from collections.abc import Mapping, Sequence

from idnode.model.enterprise import Contact
from idnode.model.industry import Industry
from idnode.model.reporting import Report
from idnode.registry.commands import EnterpriseForm
from idnode.wire.reporting_json import wrong_fields

Content = Mapping[str, object]
Fields = dict[str, object]

NATURES = {
    1: "state_controlled",
    2: "private_controlled",
    3: "foreign_controlled",
    4: "public_institution",
    5: "private_non_profit",
}
PERSONAL_CERTIFICATES = {1: "居民身份证", 2: "护照", 3: "其他"}
LICENCES = {
    1: "域名根服务器运行机构许可证",
    2: "域名注册管理机构许可证",
    3: "域名注册服务机构许可证",
    4: "增值电信业务经营许可证",
}
CONTRACTOR = 2
REGISTRATION_SYSTEM = 1
PLACES = {2: "registration_data_place", 3: "data_backup_place", 4: "resolution_server_place", 5: "system_backup_place"}
"""Where T6 says in which place each system (sysType) is."""
_TAKEN_OVER = {
    "orgDesc": "profile",
    "regAuthority": "registration_authority",
    "establishDate": "founded",
    "periodValidity": "valid_until",
    "orgAddrProvince": "province",
    "orgAddrCity": "city",
    "orgAddrCounty": "county",
    "contactCrtNo": "contact_id_number",
    "legalName": "representative_name",
    "legalCrtNo": "representative_id_number",
    "legalEmail": "representative_email",
    "legalPhone": "representative_mobile",
    "legalFax": "representative_fax",
}
_TAKEN_OVER_OF_HOSTING = {
    "dataHostingOrg": "data_escrow_unit",
    "servHostingOrg": "service_escrow_unit",
    "extWebName": "public_service_website",
    "extDomain": "public_service_domain",
}


def enterprise_form(content: Content) -> EnterpriseForm:
    """The enterprise itself."""
    basic = _object(content, "entBasicInfo")
    return EnterpriseForm(
        str(basic["orgName"]),
        str(basic["orgCrtCode"]),
        Industry(f"{basic['industryCategory']}{basic['industrySpecific']}"),
        Contact(_text(basic, "contactName"), _text(basic, "contactPhone"), _text(basic, "contactEmail")),
        _text(basic, "website"),
        _text(basic, "orgAddr"),
    )


def profile_fields(content: Content) -> tuple[Fields, tuple[str, ...]]:
    """The fields of T6 besides, and the names of those whose value T6 does not take: these are left out."""
    fields = {name: value for name, value in _profile(content).items() if value not in (None, "", [])}
    refused = sorted({fault.pointer.split("/")[1] for fault in wrong_fields(Report.T6, fields, "")})
    return {name: value for name, value in fields.items() if name not in refused}, tuple(refused)


def _profile(content: Content) -> Fields:
    basic, register = _object(content, "entBasicInfo"), _object(content, "entRegisterManageInfo")
    hosting = _object(content, "entHostingAndIdentifyServeInfo")
    capital = basic.get("regCapital")
    return {
        **{field: basic.get(member) for member, field in _TAKEN_OVER.items()},
        **{field: hosting.get(member) for member, field in _TAKEN_OVER_OF_HOSTING.items()},
        "nature": _named(NATURES, basic.get("orgNature")),
        "capital": None if capital is None else str(capital),
        "contact_id_type": _named(PERSONAL_CERTIFICATES, basic.get("contactCrtType")),
        "representative_id_type": _named(PERSONAL_CERTIFICATES, basic.get("legalCrtType")),
        "domain_licences": [
            {"licence": _named(LICENCES, each.get("licenceType")), "number": each.get("licenceNo")}
            for each in _objects(hosting, "entInfoLicenses")
        ],
        "service_industries": [
            f"{each.get('industryCategory')}{each.get('industrySubclass')}"
            for each in _objects(hosting, "entInfoSerIndustries")
        ],
        "system_built_by": _worker(register, "Build"),
        "system_operated_by": _worker(register, "Oper"),
        **_places(_objects(register, "entInfoSyses")),
    }


def _worker(register: Content, act: str) -> Fields:
    """Who builds or operates; a contract is named by the number of its file."""
    if register.get(f"servSys{act}Type") != CONTRACTOR:
        return {"by": "self"}
    return {
        "by": "contractor",
        "name": register.get(f"servSys{act}Name"),
        "contract": f"file {register.get(f'servSys{act}ContractFileRid')}",
    }


def _places(systems: Sequence[Content]) -> Fields:
    """The first system of each kind: T6 has one place for it."""
    found: Fields = {}
    for system in systems:
        kind = system.get("sysType")
        endpoints = system.get("ipPort")
        place = system.get("deployAddr") or system.get("name") or endpoints
        if kind == REGISTRATION_SYSTEM:
            found.setdefault(
                "registration_system", {"place": place} | ({"address": endpoints} if endpoints is not None else {})
            )
        elif isinstance(kind, int):
            found.setdefault(PLACES[kind], place)
    return found


def _named(names: Mapping[int, str], number: object) -> str | None:
    return names.get(number) if isinstance(number, int) else None


def _text(fields: Content, name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) else None


def _object(fields: Content, name: str) -> Content:
    value = fields.get(name)
    return value if isinstance(value, Mapping) else {}


def _objects(fields: Content, name: str) -> list[Content]:
    value = fields.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
