"""The enterprise object: every rule of the sheet, and how its breach is told."""

from typing import Any

import pytest
from snms_application import OBJECT, changed

from idnode.frontends.snms.enterprise_forms import application_of
from idnode.frontends.snms.envelope import SnmsRefusal

BASIC = "entBasicInfo"
SYSTEMS = "entRegisterManageInfo.entInfoSyses"
HOSTING = "entHostingAndIdentifyServeInfo"


def refusal(document: object, *, is_first: bool = True) -> str:
    with pytest.raises(SnmsRefusal) as caught:
        application_of(document, is_first=is_first)
    return caught.value.detail


def test_an_object_without_a_fault_is_read_with_codes_as_numbers_and_without_what_is_empty() -> None:
    form = application_of(OBJECT, is_first=True)
    basic: Any = form.content[BASIC]

    assert (form.organisation, form.certificate_code, form.prefix.text) == (
        "示例纺织有限公司",
        "911101080000000660",
        "88.118.66",
    )
    assert (basic["orgNature"], basic["legalCrtType"]) == (2, 2)
    assert "regAuthority" not in basic
    assert form.user is not None
    assert form.user.document() == {"userName": "weaver", "email": "weaver@example.com", "mobile": "13800000066"}
    assert form.warnings == ()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("sysUser", ..., "缺少必要的请求参数: sysUser"),
        ("sysUser.userName", "", "缺少必要的请求参数: sysUser.userName"),
        ("sysUser.userName", "w" * 51, f"sysUser.userName: 有 51 个字符，最多 50 个，收到 {'w' * 51}"),
        ("sysUser.password", "123456", "sysUser.password: 必须是密码的 sha256 值：64 位十六进制数字"),
        ("sysUser.email", "weaver", "sysUser.email: 不是邮箱地址，收到 weaver"),
        ("sysUser.mobile", "abc", "sysUser.mobile: 不是电话号码，收到 abc"),
        (BASIC, ..., "缺少必要的请求参数: entBasicInfo"),
        (BASIC, [], "entBasicInfo: 必须是 JSON 对象，收到 an array of 0"),
        (f"{BASIC}.orgName", ..., "缺少必要的请求参数: entBasicInfo.orgName"),
        (f"{BASIC}.orgName", 7, "entBasicInfo.orgName: 必须是字符串，收到 7"),
        (f"{BASIC}.orgName", " 示例", "entBasicInfo.orgName: 首尾不能有空格，收到  示例"),
        (
            f"{BASIC}.orgNature",
            6,
            (
                "entBasicInfo.orgNature: 必须是枚举值之一：1 国有控股，2 民营控股，3 外商控股，4 事业单位，"
                "5 民营非盈利组织，收到 6"
            ),
        ),
        (
            f"{BASIC}.orgCrtCode",
            "91110108589104047X",
            (
                "entBasicInfo.orgCrtCode: 不是有效的统一社会信用代码：its check character should be H, not X，"
                "收到 91110108589104047X"
            ),
        ),
        (f"{BASIC}.orgAddrCity", "110100", "entBasicInfo.orgAddrCity: 不在 330000 之内（GB/T 2260），收到 110100"),
        (
            f"{BASIC}.orgAddrProvince",
            "330000000",
            "entBasicInfo.orgAddrProvince: 必须是 GB/T 2260 行政区划代码，最多 8 位数字，收到 330000000",
        ),
        (
            f"{BASIC}.industrySpecific",
            "65",
            "entBasicInfo.industrySpecific: 不是 C 之下的国民经济行业代码（GB/T 4754），收到 65",
        ),
        (
            f"{BASIC}.establishDate",
            "2012/01/06",
            "entBasicInfo.establishDate: 必须是 yyyy-MM-dd 格式的日期，收到 2012/01/06",
        ),
        (
            f"{BASIC}.contactCrtNo",
            "1101051949",
            "entBasicInfo.contactCrtNo: 居民身份证号码必须是 18 位：17 位数字和 1 位校验码",
        ),
        (f"{BASIC}.entPrefix", "88..66", "entBasicInfo.entPrefix: 不是前缀，收到 88..66"),
        (
            f"{SYSTEMS}.3",
            ...,
            "entRegisterManageInfo.entInfoSyses: 缺少 sysType 4（解析服务器），1 到 4 必填",
        ),
        (
            f"{SYSTEMS}.3.deployAddr",
            ...,
            "entRegisterManageInfo.entInfoSyses[3].deployAddr: 本地化部署缺少必要的请求参数",
        ),
        (f"{SYSTEMS}.1.name", ..., "entRegisterManageInfo.entInfoSyses[1].name: 云部署缺少必要的请求参数"),
        (
            f"{SYSTEMS}.0.ipPort",
            "[192.0.2.1]:8080;192.0.2.2:80",
            (
                "entRegisterManageInfo.entInfoSyses[0].ipPort: '192.0.2.2:80' 不符合格式 [ip]:port，多个之间用"
                "英文分号分隔，收到 [192.0.2.1]:8080;192.0.2.2:80"
            ),
        ),
        (SYSTEMS, "none", "entRegisterManageInfo.entInfoSyses: 必须是数组，收到 none"),
        (
            "entRegisterManageInfo.servSysOperType",
            2,
            (
                "entRegisterManageInfo.servSysOperName: 委托时缺少必要的请求参数；"
                "entRegisterManageInfo.servSysOperContractFileRid: 委托时缺少必要的请求参数"
            ),
        ),
        (
            f"{HOSTING}.extIpAddr",
            "192.0.2.1;nowhere",
            "entHostingAndIdentifyServeInfo.extIpAddr: 'nowhere' 不是 IPv4 或 IPv6 地址，收到 192.0.2.1;nowhere",
        ),
        (
            f"{HOSTING}.entInfoSerIndustries.0.industryTrade",
            "172",
            (
                "entHostingAndIdentifyServeInfo.entInfoSerIndustries[0].industrySubclass: 不是 C172 之下的国民经济"
                "行业代码（GB/T 4754），收到 1711"
            ),
        ),
        (
            f"{HOSTING}.entInfoLicenses.0.licenceNo",
            None,
            "缺少必要的请求参数: entHostingAndIdentifyServeInfo.entInfoLicenses[0].licenceNo",
        ),
    ],
)
def test_a_breach_names_the_member_the_value_the_rule_and_the_limit(path: str, value: Any, message: str) -> None:
    told = refusal(changed(path, value))

    assert told.startswith(message)


def test_what_is_no_object_is_refused() -> None:
    assert refusal([1]) == "请求体必须是 JSON 对象，收到 an array of 1"


def test_all_faults_are_told_at_once_and_the_many_are_counted() -> None:
    document = changed(BASIC, {"orgNature": 9})

    assert refusal(document) == (
        "缺少必要的请求参数: entBasicInfo.orgName, entBasicInfo.orgAddr, entBasicInfo.orgCrtType, "
        "entBasicInfo.orgCrtCode, entBasicInfo.industryCategory, entBasicInfo.industrySpecific, "
        "entBasicInfo.contactName；"
        "entBasicInfo.orgNature: 必须是枚举值之一：1 国有控股，2 民营控股，3 外商控股，4 事业单位，"
        "5 民营非盈利组织，收到 9；另有 3 处错误"
    )


def test_a_wrong_checksum_of_an_id_card_is_a_warning() -> None:
    form = application_of(changed(f"{BASIC}.contactCrtNo", "110105194912310021"), is_first=True)

    assert form.warnings == ("entBasicInfo.contactCrtNo: 居民身份证号码校验未通过（GB 11643），请核对",)


def test_another_certificate_is_not_checked_as_a_credit_code() -> None:
    document = changed(f"{BASIC}.orgCrtType", "2")
    document[BASIC]["orgCrtCode"] = "登记 7 号"

    assert application_of(document, is_first=True).certificate_code == "登记 7 号"


def test_members_that_are_not_known_are_passed_over_and_an_upgrade_needs_no_user() -> None:
    document = changed("sysUser", ...) | {"nodeId": 7}
    document[BASIC]["orgNameEn"] = "Example Textiles"

    form = application_of(document, is_first=False)

    assert form.user is None
    assert "orgNameEn" not in str(form.content)


def test_every_member_that_names_a_file_is_found_and_photos_have_to_be_pictures() -> None:
    document = changed(f"{BASIC}.orgCrtImgRid", "7")
    document[HOSTING]["dataHostingContractFileRid"] = 8

    files = application_of(document, is_first=True).files

    assert [(each.member, each.number, each.is_image) for each in files] == [
        ("entBasicInfo.orgCrtImgRid", 7, True),
        ("entHostingAndIdentifyServeInfo.dataHostingContractFileRid", 8, False),
    ]
