"""Monitoring: the values 1 to 12 of a day, and the events 13 to 18 (contract, annex 2).

Times are to the second. A value of which there is none, such as the slowest resolution of a day without any, is absent.
The record's subject says of which prefix ("" is the node), its version of which day.
"""

from idnode.wire.top_node.fields import Kind, Options, TableField

STATES: Options = {"abnormal": "异常", "recovered": "恢复"}
EVENT_KINDS: Options = {1: "网络", 2: "系统", 3: "攻击", 4: "其他"}

VALUES = (
    TableField("resolution_average_ms", "平均解析时延（毫秒）", Kind.DECIMAL),
    TableField("resolution_maximum_at", "最大解析时延时间", Kind.MOMENT),
    TableField("resolution_maximum_ms", "最大解析时延（毫秒）", Kind.DECIMAL),
    TableField("resolution_minimum_at", "最小解析时延时间", Kind.MOMENT),
    TableField("resolution_minimum_ms", "最小解析时延（毫秒）", Kind.DECIMAL),
    TableField("resolution_peak_per_second", "每秒最大解析量", Kind.COUNT),
    TableField("resolution_peak_at", "每秒最大解析量时间", Kind.MOMENT),
    TableField("registration_average_ms", "平均注册时延（毫秒）", Kind.DECIMAL),
    TableField("registration_maximum_at", "最大注册时延时间", Kind.MOMENT),
    TableField("registration_maximum_ms", "最大注册时延（毫秒）", Kind.DECIMAL),
    TableField("registration_minimum_at", "最小注册时延时间", Kind.MOMENT),
    TableField("registration_minimum_ms", "最小注册时延（毫秒）", Kind.DECIMAL),
)
"""Values 1 to 12, daily, for the node and each enterprise."""

EVENT = (
    TableField("state", "事件状态", Kind.CHOICE, is_required=True, options=STATES),
    TableField("event_id", "事件编号", is_required=True, max_length=64),
    TableField("closes_event_id", "对应异常事件编号", max_length=64, required_when=("state", "recovered")),
    TableField("occurred_at", "发生时间", Kind.MOMENT, is_required=True),
    TableField("reason", "原因", max_length=1_000),
    TableField("kind", "事件类型", Kind.CODE, is_required=True, options=EVENT_KINDS),
)
"""Values 13 to 18, real time: an abnormal event, or the recovery that closes one."""
