"""T1 and T6: who operates the node, and each enterprise (contract, annex 1).

The contract counts 45 fields for T1 and 42 for T6; its public summary does not number them. They are counted here so:
industry category and class are one code; a licence and its number are one entry of a list; who builds or operates, with
name and contract, is one field; a place with its IP and port is one field. Which ones are required, and how long a text
may be, is ours to choose, for the summary does not say: T1 needs what every operator has; T6 what every enterprise has
from its registration on, so that its record is sent before its profile is filled in.
"""

from dataclasses import replace

from idnode.wire.top_node.fields import Kind, Options, TableField

NATURES: Options = {
    "state_controlled": "国有控股",
    "private_controlled": "民营控股",
    "foreign_controlled": "外商控股",
    "public_institution": "事业单位",
    "private_non_profit": "民营非盈利组织",
}
CERTIFICATES: Options = {"uscc": "统一社会信用代码", "other": "其他"}
DONE_BY: Options = {"self": "自行", "contractor": "委托"}

_WORKER = (
    TableField("by", "自建或委托", Kind.CHOICE, is_required=True, options=DONE_BY),
    TableField("name", "受托单位名称", required_when=("by", "contractor")),
    TableField("contract", "委托合同", required_when=("by", "contractor")),
)
_PLACE = (
    TableField("place", "部署地点或云服务商", is_required=True),
    TableField("address", "IP 地址及端口", max_length=128),
)
_LICENCE = (
    TableField("licence", "域名许可类型", is_required=True),
    TableField("number", "许可证编号", is_required=True, max_length=128),
)
_VERIFICATION = (
    TableField("by", "核验方式", Kind.CHOICE, is_required=True, options=DONE_BY),
    TableField("documents", "核验来源材料 1–5", Kind.TEXTS, is_required=True, items_min=1, items_max=5),
)

OPERATOR = (
    TableField("organisation_name", "单位名称", is_required=True),
    TableField("nature", "单位性质", Kind.CHOICE, is_required=True, options=NATURES),
    TableField("address", "单位地址", is_required=True),
    TableField("certificate_type", "单位证件类型", Kind.CHOICE, is_required=True, options=CERTIFICATES),
    TableField("certificate_number", "单位证件号码", is_required=True, max_length=64),
    TableField("certificate_photo", "单位证件照片", Kind.PHOTO, is_required=True, is_personal=True),
    TableField("representative_name", "法定代表人姓名", is_required=True, max_length=128, is_personal=True),
    TableField("representative_id_type", "法定代表人证件类型", is_required=True, max_length=64),
    TableField("representative_id_number", "法定代表人证件号码", is_required=True, max_length=64, is_personal=True),
    TableField("representative_id_photo", "法定代表人证件照片", Kind.PHOTO, is_required=True, is_personal=True),
    TableField("profile", "单位简介", is_required=True, max_length=1_000),
    TableField("industry", "所属行业门类和大类", Kind.INDUSTRY, is_required=True),
    TableField("contact_name", "联系人姓名", is_required=True, max_length=128, is_personal=True),
    TableField("contact_mobile", "联系人手机", is_required=True, max_length=32, is_personal=True),
    TableField("contact_id_type", "联系人证件类型", is_required=True, max_length=64),
    TableField("contact_id_number", "联系人证件号码", is_required=True, max_length=64, is_personal=True),
    TableField("contact_id_photo", "联系人证件照片", Kind.PHOTO, is_required=True, is_personal=True),
    TableField("contact_email", "联系人邮箱", is_required=True, is_personal=True),
    TableField("website", "单位网站"),
    TableField("registration_authority", "登记机关", is_required=True),
    TableField("capital", "注册资本", is_required=True, max_length=64),
    TableField("founded", "成立日期", Kind.DATE, is_required=True),
    TableField("valid_until", "有效期至", Kind.DATE),
    TableField("province", "省", is_required=True, max_length=64),
    TableField("city", "市", is_required=True, max_length=64),
    TableField("county", "县（区）", is_required=True, max_length=64),
    TableField("representative_email", "法定代表人邮箱", is_personal=True),
    TableField("representative_mobile", "法定代表人手机", max_length=32, is_personal=True),
    TableField("representative_fax", "法定代表人传真", max_length=32, is_personal=True),
    TableField("domain_licences", "域名许可及编号", Kind.OBJECTS, fields=_LICENCE, items_max=20),
    TableField("system_built_by", "业务系统建设方", Kind.OBJECT, is_required=True, fields=_WORKER),
    TableField("system_operated_by", "业务系统运维方", Kind.OBJECT, is_required=True, fields=_WORKER),
    TableField("registration_system", "注册系统部署地点", Kind.OBJECT, is_required=True, fields=_PLACE),
    TableField("registration_data_place", "注册数据存放地点", is_required=True),
    TableField("data_backup_place", "数据备份地点", is_required=True),
    TableField("resolution_server_place", "解析服务器部署地点", is_required=True),
    TableField("system_backup_place", "系统备份地点", is_required=True),
    TableField("data_escrow_unit", "数据托管单位"),
    TableField("service_escrow_unit", "业务托管单位"),
    TableField("real_name_verification", "实名核验", Kind.OBJECT, is_required=True, fields=_VERIFICATION),
    TableField("naming_standard", "命名合规标准", is_required=True),
    TableField(
        "service_industries", "服务行业", Kind.TEXTS, is_required=True, max_length=64, items_min=1, items_max=50
    ),
    TableField("public_service_website", "公共服务网站", is_required=True),
    TableField("public_service_domain", "公共服务域名", is_required=True, max_length=253),
    TableField("public_service_ips", "公共服务 IP", Kind.ADDRESSES, is_required=True, max_length=1_024),
)
"""T1: SLN operator, 45 fields, real time."""

_NOT_OF_ENTERPRISES = frozenset(
    {"certificate_photo", "representative_id_photo", "contact_id_photo", "public_service_ips"}
)
_REQUIRED_OF_ENTERPRISES = frozenset({"organisation_name", "certificate_type", "certificate_number", "industry"})

ENTERPRISE = (
    *(
        replace(field, is_required=field.name in _REQUIRED_OF_ENTERPRISES)
        for field in OPERATOR
        if field.name not in _NOT_OF_ENTERPRISES
    ),
    TableField("hosting_units", "托管单位", Kind.TEXTS, items_max=20),
)
"""T6: ELN organisation, 42 fields, hourly: T1 without the photos and the IP list, plus the hosting units."""
