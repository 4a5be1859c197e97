"""T2 to T5, T7, T8, T10, T11 and applications for a prefix: routes, figures, templates, applications (annex 1)."""

from idnode.wire.top_node.fields import ADDRESS_CHARACTERS_MAX, Kind, Options, TableField

PREFIX_CHARACTERS_MAX = 160
SCHEMES: Options = {
    "Handle": "Handle",
    "OID": "OID",
    "DID:BID": "DID:BID",
    "VAA": "VAA",
    "Ecode": "Ecode",
    "GS1": "GS1",
}
IP_TYPES: Options = {"IPv4": "IPv4", "IPv6": "IPv6"}
PROTOCOLS: Options = {"TCP": "TCP", "UDP": "UDP", "HTTP": "HTTP"}
OBJECT_TYPES: Options = {1: "主动标识载体", 2: "非主动标识载体"}
APPLICATION_TYPES: Options = {1: "APP", 2: "小程序", 3: "网页", 4: "PC 客户端", 5: "其他"}
HOSTINGS: Options = {"hosted": "托管", "self": "非托管"}

_PREFIX = TableField("prefix", "前缀", is_required=True, max_length=PREFIX_CHARACTERS_MAX)

_PROTOCOL = (
    TableField("protocol", "协议类型", Kind.CHOICE, is_required=True, options=PROTOCOLS),
    TableField("port", "端口", Kind.PORT, is_required=True),
)
_ROUTE = (
    TableField("scheme", "标识体系", Kind.CHOICE, is_required=True, options=SCHEMES),
    TableField("prefix", "前缀或前缀区间", is_required=True, max_length=2 * PREFIX_CHARACTERS_MAX + 1),
    TableField("ip_type", "IP 类型", Kind.CHOICE, is_required=True, options=IP_TYPES),
    TableField("ip", "IP 地址", Kind.ADDRESS, is_required=True),
    TableField("protocols", "协议及端口", Kind.OBJECTS, is_required=True, fields=_PROTOCOL, items_min=1, items_max=3),
)

NODE_ROUTES = (
    TableField("routes", "解析配置", Kind.OBJECTS, is_required=True, fields=_ROUTE, items_min=1, items_max=64),
)
"""T2: SLN resolution configuration, real time: scheme, prefix or range, IP type, IP and protocols of each address."""

ENTERPRISE_ROUTES = (
    TableField("routes", "解析路由", Kind.OBJECTS, is_required=True, fields=_ROUTE, items_min=0, items_max=64),
)
"""T7: ELN resolution route, hourly: rows as in T2 for one enterprise prefix; none when it is not resolved any more."""

_SOURCE = (
    # Those that are not told one by one come as one row under the word "other" in place of an address.
    TableField("address", "来源 IP", is_required=True, max_length=ADDRESS_CHARACTERS_MAX),
    TableField("requests", "解析量", Kind.COUNT, is_required=True),
)
_REQUESTS = (
    TableField("resolution_requests", "当日解析量", Kind.COUNT, is_required=True),
    TableField("resolution_successes", "当日解析成功量", Kind.COUNT, is_required=True),
    TableField("sources", "来源 IP 及解析量", Kind.OBJECTS, is_required=True, fields=_SOURCE, items_max=20_000),
)

NODE_STATISTICS = (
    _PREFIX,
    TableField("enterprise_prefixes_added", "当日新增企业前缀数", Kind.COUNT, is_required=True),
    TableField("enterprise_prefixes_total", "企业前缀总数", Kind.COUNT, is_required=True),
    *_REQUESTS,
)
"""T3: SLN statistics, daily."""

ENTERPRISE_STATISTICS = (
    _PREFIX,
    TableField("identifiers_added", "当日新增标识注册量", Kind.COUNT, is_required=True),
    TableField("identifiers_total", "标识注册总量", Kind.COUNT, is_required=True),
    *_REQUESTS,
)
"""T8: ELN statistics, daily."""

_ITEM = (
    TableField("name", "英文名称", is_required=True, max_length=128),
    TableField("title", "中文别名", is_required=True),
    TableField("type", "数据类型", is_required=True, max_length=32),
    TableField("length", "长度", Kind.COUNT),
)

METADATA = (
    TableField("identifier", "模板标识", is_required=True, max_length=512),
    TableField("industry_section", "行业门类", is_required=True, max_length=1),
    TableField("industry_division", "行业大类", max_length=2),
    TableField("industry_group", "行业中类", max_length=3),
    TableField("industry_class", "行业小类", max_length=4),
    TableField("version", "版本", is_required=True, max_length=128),
    TableField("object_type", "对象类型", Kind.CODE, is_required=True, options=OBJECT_TYPES),
    TableField("items", "数据项", Kind.OBJECTS, is_required=True, fields=_ITEM, items_max=512),
)
"""T4 (SLN, daily) and T11 (ELN, real time): a template with its items; `length` counts characters and may be open."""

APPLICATION = (
    TableField("name", "应用名称", is_required=True),
    TableField("type", "应用类型", Kind.CODE, is_required=True, options=APPLICATION_TYPES),
    TableField("description", "应用描述", max_length=2_000),
    TableField("users", "使用用户", max_length=512),
    TableField("recursive_node", "使用的递归节点"),
    TableField("developed_by", "开发单位"),
)
"""T5 (SLN) and T10 (ELN), monthly: an application."""

_ENTERPRISE = (
    TableField("name", "企业名称", is_required=True),
    TableField("uscc", "统一社会信用代码", is_required=True, max_length=18),
)
_SITE = (
    TableField("ip", "IP 地址", Kind.ADDRESS, is_required=True),
    TableField("tcp_port", "TCP 端口", Kind.PORT),
    TableField("udp_port", "UDP 端口", Kind.PORT),
    TableField("http_port", "HTTP 端口", Kind.PORT),
)

PREFIX_APPLICATION = (
    _PREFIX,
    TableField("enterprise", "申请企业", Kind.OBJECT, is_required=True, fields=_ENTERPRISE),
    TableField("hosting", "托管方式", Kind.CHOICE, is_required=True, options=HOSTINGS),
    TableField("site", "企业解析服务地址", Kind.OBJECT, fields=_SITE, required_when=("hosting", "self")),
)
"""An application for an enterprise's prefix, after the node's own review; its verdict is the top node's review."""
