"""From the enterprise object to the enterprise and to T6."""

from typing import Any

from snms_application import OBJECT, changed

from idnode.frontends.snms.enterprise_forms import application_of
from idnode.registry.enterprise_mapping import enterprise_form, profile_fields


def content(document: dict[str, Any]) -> dict[str, object]:
    return application_of(document, is_first=True).content


def test_the_enterprise_is_what_the_basic_part_says() -> None:
    form = enterprise_form(content(OBJECT))

    assert (form.name, form.uscc, form.industry.code) == ("示例纺织有限公司", "911101080000000660", "C17")
    assert (form.contact.name, form.contact.phone, form.contact.email) == (
        "周示例",
        "13800000067",
        "contact@example.com",
    )
    assert (form.address, form.website) == ("示例路 1 号", "www.example.com")


def test_the_profile_has_every_field_of_t6_that_was_told() -> None:
    assert profile_fields(content(OBJECT)) == (
        {
            "nature": "private_controlled",
            "profile": "示例企业",
            "founded": "2012-01-06",
            "capital": "1200",
            "province": "330000",
            "city": "330600",
            "county": "330603",
            "contact_id_type": "居民身份证",
            "contact_id_number": "11010519491231002X",
            "representative_name": "吴示例",
            "representative_id_type": "护照",
            "representative_id_number": "P0000001",
            "data_escrow_unit": "示例云",
            "public_service_website": "示例服务",
            "public_service_domain": "id.example.com",
            "domain_licences": [{"licence": "增值电信业务经营许可证", "number": "B2-00000000"}],
            "service_industries": ["C1711"],
            "system_built_by": {"by": "self"},
            "system_operated_by": {"by": "self"},
            "registration_system": {"place": "示例机房", "address": "[192.0.2.1]:8080;[2001:db8::1]:8080"},
            "registration_data_place": "示例云",
            "data_backup_place": "示例云",
            "resolution_server_place": "示例机房",
        },
        (),
    )


def test_a_contractor_is_named_with_the_number_of_the_contract() -> None:
    document = changed("entRegisterManageInfo.servSysBuildType", "2")
    document["entRegisterManageInfo"] |= {"servSysBuildName": "示例软件有限公司", "servSysBuildContractFileRid": 12}

    fields, _ = profile_fields(content(document))

    assert fields["system_built_by"] == {"by": "contractor", "name": "示例软件有限公司", "contract": "file 12"}


def test_a_value_that_t6_does_not_take_is_left_out_and_named() -> None:
    fields, left_out = profile_fields(content(changed("entBasicInfo.legalFax", "0" * 40)))

    assert left_out == ("representative_fax",)
    assert "representative_fax" not in fields
