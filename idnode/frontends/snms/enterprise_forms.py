"""The enterprise object of ent/apply and ent/upgrade-apply, read with every fault at once; pure.

The sheet gives lengths and codes. Which members have to be there is what the node and the top node cannot do without;
members that are not known are not looked at, for clients of other releases send more.
"""

from collections.abc import Mapping

from stdnum.cn import ric
from stdnum.exceptions import InvalidChecksum, InvalidComponent, ValidationError

from idnode.frontends.snms.envelope import SnmsRefusal, missing
from idnode.frontends.snms.form_fields import (
    REQUIRED,
    Faults,
    Fields,
    FormField,
    Wrong,
    addresses,
    check_industry,
    code,
    day,
    email,
    endpoints,
    mobile,
    number,
    prefix,
    read_list,
    read_members,
    region,
    sha_256,
    text,
)
from idnode.model.enterprise import uscc_problem
from idnode.model.enterprise_application import CertificateType, FileReference
from idnode.model.errors import shown
from idnode.model.identifier import Prefix
from idnode.registry.enterprise_applications import ApplicantForm, SubmittedApplication

NATURES = {1: "国有控股", 2: "民营控股", 3: "外商控股", 4: "事业单位", 5: "民营非盈利组织"}
ORGANISATION_CERTIFICATES = {1: "统一社会信用代码", 2: "其他"}
PERSONAL_CERTIFICATES = {1: "中国居民身份证", 2: "护照", 3: "其他"}
SYSTEMS = {
    1: "标识注册系统",
    2: "标识注册数据",
    3: "注册数据备份",
    4: "解析服务器",
    5: "标识服务系统备份",
}
SYSTEMS_REQUIRED = (1, 2, 3, 4)
DEPLOYED_LOCALLY, DEPLOYED_IN_CLOUD = 1, 2
DEPLOYMENTS = {DEPLOYED_LOCALLY: "本地化部署", DEPLOYED_IN_CLOUD: "云部署"}
CONTRACTOR = 2
DONE_BY = {1: "自营", CONTRACTOR: "委托"}
LICENCES = {
    1: "域名根服务器运行机构许可证",
    2: "域名注册管理机构许可证",
    3: "域名注册服务机构许可证",
    4: "增值电信业务经营许可证",
}
ID_CARD = 1

_USER = (
    FormField("userName", text(50), is_required=True),
    FormField("password", sha_256, is_secret=True),
    FormField("email", email(50), is_required=True),
    FormField("mobile", mobile(50), is_required=True),
    FormField("remarks", text(255)),
)
_BASIC = (
    FormField("orgName", text(255), is_required=True),
    FormField("orgNature", code(NATURES), is_required=True),
    FormField("orgAddr", text(255), is_required=True),
    FormField("orgAddrProvince", region),
    FormField("orgAddrCity", region),
    FormField("orgAddrCounty", region),
    FormField("orgCrtType", code(ORGANISATION_CERTIFICATES), is_required=True),
    FormField("orgCrtCode", text(32), is_required=True),
    FormField("orgCrtImgRid", number),
    FormField("orgDesc", text(1024)),
    FormField("industryCategory", text(8), is_required=True),
    FormField("industrySpecific", text(8), is_required=True),
    FormField("website", text(255)),
    FormField("regAuthority", text(255)),
    FormField("regCapital", number),
    FormField("establishDate", day),
    FormField("periodValidity", day),
    FormField("contactName", text(128), is_required=True, is_secret=True),
    FormField("contactCrtType", code(PERSONAL_CERTIFICATES)),
    FormField("contactCrtNo", text(32), is_secret=True),
    FormField("contactCrtFrontImgRid", number),
    FormField("contactCrtBackImgRid", number),
    FormField("contactEmail", email(128), is_required=True, is_secret=True),
    FormField("contactPhone", text(16), is_required=True, is_secret=True),
    FormField("legalName", text(128), is_secret=True),
    FormField("legalCrtType", code(PERSONAL_CERTIFICATES)),
    FormField("legalCrtNo", text(32), is_secret=True),
    FormField("legalCrtFrontImgRid", number),
    FormField("legalCrtBackImgRid", number),
    FormField("legalEmail", email(128), is_secret=True),
    FormField("legalPhone", text(16), is_secret=True),
    FormField("legalFax", text(255)),
    FormField("entPrefix", prefix(64), is_required=True),
)
_SYSTEM = (
    FormField("sysType", code(SYSTEMS), is_required=True),
    FormField("deployMode", code(DEPLOYMENTS), is_required=True),
    FormField("deployAddrProvince", region),
    FormField("deployAddrCity", region),
    FormField("deployAddrCounty", region),
    FormField("deployAddr", text(255)),
    FormField("ipPort", endpoints(255)),
    FormField("name", text(255)),
)
_REGISTER = (
    FormField("servSysBuildType", code(DONE_BY), is_required=True),
    FormField("servSysBuildName", text(255)),
    FormField("servSysBuildContractFileRid", number),
    FormField("servSysOperType", code(DONE_BY), is_required=True),
    FormField("servSysOperName", text(255)),
    FormField("servSysOperContractFileRid", number),
)
_HOSTING = (
    FormField("extWebName", text(255)),
    FormField("extDomain", text(255)),
    FormField("extIpAddr", addresses(255)),
    FormField("dataHostingOrg", text(255)),
    FormField("dataHostingContractFileRid", number),
    FormField("servHostingOrg", text(255)),
    FormField("servHostingContractFileRid", number),
)
_INDUSTRY = tuple(
    FormField(name, text(8), is_required=True)
    for name in ("industryCategory", "industrySpecific", "industryTrade", "industrySubclass")
)
_LICENCE = (
    FormField("licenceType", code(LICENCES), is_required=True),
    FormField("licenceNo", text(255), is_required=True),
)


def application_of(document: object, *, is_first: bool) -> SubmittedApplication:
    """The enterprise object. Raises SnmsRefusal with every fault; `is_first` asks for the user, too."""
    if not isinstance(document, Mapping):
        raise SnmsRefusal(f"请求体必须是 JSON 对象，收到 {shown(document)}")
    faults = Faults()
    warnings: list[str] = []
    user = None
    if is_first or document.get("sysUser") is not None:
        user = read_members(_USER, document.get("sysUser"), "sysUser", faults)
    basic = read_members(_BASIC, document.get("entBasicInfo"), "entBasicInfo", faults)
    _check_basic(basic, faults, warnings)
    register = _register(document.get("entRegisterManageInfo"), faults)
    content: Fields = {"entBasicInfo": basic, "entRegisterManageInfo": register}
    hosting = document.get("entHostingAndIdentifyServeInfo")
    if hosting is not None:
        content["entHostingAndIdentifyServeInfo"] = _hosting(hosting, faults)
    faults.refuse_any()
    applied_for = basic["entPrefix"]
    if not isinstance(applied_for, Prefix):  # cannot be: what is missing is a fault
        raise missing("entBasicInfo.entPrefix")
    basic["entPrefix"] = applied_for.text
    return SubmittedApplication(
        CertificateType(str(basic["orgCrtType"])),
        str(basic["orgCrtCode"]),
        str(basic["orgName"]),
        applied_for,
        content,
        tuple(_files(content)),
        tuple(warnings),
        None if user is None else _applicant(user),
    )


def _applicant(user: Fields) -> ApplicantForm:
    password = user.get("password")
    remarks = user.get("remarks")
    return ApplicantForm(
        str(user["userName"]),
        None if password is None else bytes.fromhex(str(password)),
        str(user["email"]),
        str(user["mobile"]),
        None if remarks is None else str(remarks),
    )


def _check_basic(basic: Fields, faults: Faults, warnings: list[str]) -> None:
    path = "entBasicInfo"
    number_of = basic.get("orgCrtCode")
    if basic.get("orgCrtType") == 1 and isinstance(number_of, str):
        problem = uscc_problem(number_of)
        if problem is not None:
            faults.note(f"{path}.orgCrtCode", Wrong("uscc", f"不是有效的统一社会信用代码：{problem}"), number_of)
    _check_regions(basic, "orgAddr", path, faults)
    check_industry(basic, path, faults)
    for person in ("contact", "legal"):
        card = basic.get(f"{person}CrtNo")
        if basic.get(f"{person}CrtType") == ID_CARD and isinstance(card, str):
            _check_id_card(card, f"{path}.{person}CrtNo", faults, warnings)


def _check_id_card(card: str, path: str, faults: Faults, warnings: list[str]) -> None:
    """GB 11643. The vendor's own sample fails the checksum: that, and a code of no county, are warnings."""
    try:
        ric.validate(card)
    except (InvalidChecksum, InvalidComponent):
        warnings.append(f"{path}: 居民身份证号码校验未通过（GB 11643），请核对")
    except ValidationError:
        faults.note(path, Wrong("id-card", "居民身份证号码必须是 18 位：17 位数字和 1 位校验码"), card, is_secret=True)


def _check_regions(fields: Fields, name: str, path: str, faults: Faults) -> None:
    """A city lies in its province, a county in its city (the first digits of GB/T 2260)."""
    province, city, county = (fields.get(f"{name}{level}") for level in ("Province", "City", "County"))
    for inner, outer, digits, member in ((city, province, 2, "City"), (county, city, 4, "County")):
        if isinstance(inner, str) and isinstance(outer, str) and inner[:digits] != outer[:digits]:
            faults.note(f"{path}.{name}{member}", Wrong("region", f"不在 {outer} 之内（GB/T 2260）"), inner)


def _register(sent: object, faults: Faults) -> Fields:
    path = "entRegisterManageInfo"
    register = read_members(_REGISTER, sent, path, faults)
    for act in ("Build", "Oper"):
        if register.get(f"servSys{act}Type") == CONTRACTOR:
            for name in (f"servSys{act}Name", f"servSys{act}ContractFileRid"):
                if name not in register:
                    faults.note(f"{path}.{name}", Wrong(REQUIRED, "委托时缺少必要的请求参数"))
    if not isinstance(sent, Mapping):
        return register
    systems = read_list(_SYSTEM, sent.get("entInfoSyses"), f"{path}.entInfoSyses", faults, is_required=True)
    for place, system in systems:
        _check_system(system, place, faults)
    present = {system.get("sysType") for _, system in systems}
    for wanted in SYSTEMS_REQUIRED:
        if systems and wanted not in present:
            detail = f"缺少 sysType {wanted}（{SYSTEMS[wanted]}），1 到 4 必填"
            faults.note(f"{path}.entInfoSyses", Wrong(REQUIRED, detail))
    return register | {"entInfoSyses": [system for _, system in systems]}


def _check_system(system: Fields, path: str, faults: Faults) -> None:
    _check_regions(system, "deployAddr", path, faults)
    mode = system.get("deployMode")
    if mode == DEPLOYED_LOCALLY and "deployAddr" not in system and "ipPort" not in system:
        faults.note(f"{path}.deployAddr", Wrong(REQUIRED, "本地化部署缺少必要的请求参数"))
    if mode == DEPLOYED_IN_CLOUD and "name" not in system:
        faults.note(f"{path}.name", Wrong(REQUIRED, "云部署缺少必要的请求参数"))


def _hosting(sent: object, faults: Faults) -> Fields:
    path = "entHostingAndIdentifyServeInfo"
    hosting = read_members(_HOSTING, sent, path, faults)
    if not isinstance(sent, Mapping):
        return hosting
    industries = read_list(
        _INDUSTRY, sent.get("entInfoSerIndustries"), f"{path}.entInfoSerIndustries", faults, is_required=False
    )
    for place, industry in industries:
        check_industry(industry, place, faults)
    licences = read_list(_LICENCE, sent.get("entInfoLicenses"), f"{path}.entInfoLicenses", faults, is_required=False)
    return hosting | {
        "entInfoSerIndustries": [industry for _, industry in industries],
        "entInfoLicenses": [licence for _, licence in licences],
    }


def _files(content: Fields) -> list[FileReference]:
    """Every member that names a file: photos end in ImgRid, contracts in FileRid."""
    return [
        FileReference(f"{part}.{member}", rid, member.endswith("ImgRid"))
        for part, members in content.items()
        if isinstance(members, Mapping)
        for member, rid in members.items()
        if member.endswith("Rid") and isinstance(rid, int)
    ]
