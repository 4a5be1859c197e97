"""T9: ELN master data, one row per change of an identifier, daily (contract, annex 1)."""

from idnode.wire.top_node.fields import Kind, Options, TableField

OPERATIONS: Options = {1: "新增", 2: "删除", 3: "修改"}

MASTER_DATA = (
    TableField("identifier", "标识", is_required=True),
    TableField("created", "标识创建日期", Kind.DATE, is_required=True),
    TableField("template", "模板标识", max_length=512),
    TableField("operation", "操作类型", Kind.CODE, is_required=True, options=OPERATIONS),
    TableField("product_type", "产品类型", max_length=1_024),
    TableField("brand", "品牌", max_length=1_024),
    TableField("product_name", "产品名称", max_length=1_024),
    TableField("manufacturer", "生产厂商", max_length=1_024),
    # The contract gives the form of the day of creation only; these two are taken as the product's record has them.
    TableField("produced_at", "生产日期", max_length=64),
    TableField("valid_until", "有效期至", max_length=64),
    TableField("terminal_type", "终端类型", max_length=1_024),
    TableField("owner", "所有者", max_length=1_024),
    TableField("purpose", "用途", max_length=1_024),
    TableField("serial_or_imei", "序列号或 IMEI", max_length=1_024),
    TableField("access_licence", "进网许可证号", max_length=1_024),
    TableField("scramble_code", "扰码", max_length=1_024),
    TableField("sequence", "流水号", max_length=1_024),
)
"""T9; from `terminal_type` on only for active identifier carriers."""
