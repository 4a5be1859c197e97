"""First versions of records that are beyond doubt in order, planned and rendered in one go; pure.

`plan_register` is the authority: what stands here is to the byte what it would have made of the same.
"""

from datetime import date

from idnode.model.identifier import Identifier
from idnode.model.limits import RECORD_BYTES_MAX
from idnode.model.record import State
from idnode.model.template import Template, TemplateState
from idnode.registry.commands import Content
from idnode.registry.plan import Moment
from idnode.registry.rules.compiled_attributes import CompiledTemplate
from idnode.storage.identifiers import StoredRecord

TEMPLATES_COMPILED_MAX = 256

_compiled: dict[tuple[str, str], CompiledTemplate] = {}
"""A memory, as `lru_cache` is one; by the template's key, because a template has no cheap hash."""


def quick_register(
    identifier: Identifier, content: Content, template: Template | None, moment: Moment
) -> StoredRecord | None:
    """The first version of a record of attributes alone; None where plan_register has to decide."""
    name, text = content.template, identifier.text
    if template is None or name is None or content.values or template.state is not TemplateState.ACTIVE:
        return None
    if name.prefix.text != template.name.prefix.text or '"' in text or "\\" in text:
        return None
    held = compiled(template, moment.today).hold(content.attributes)
    if held is None:
        return None
    document = held.layout.record.render(identifier, held.attributes, held.texts, moment.now)
    if len(document.json) > RECORD_BYTES_MAX:
        return None
    return StoredRecord(identifier.folded, 1, State.ACTIVE, True, document.values_at, document.json)


def compiled(template: Template, today: date) -> CompiledTemplate:
    """What was compiled of the same template on the same day, or what is now."""
    key = template.name.key
    known = _compiled.get(key)
    if known is None or known.today != today or not known.is_of(template):
        if len(_compiled) >= TEMPLATES_COMPILED_MAX:
            _compiled.clear()
        known = _compiled[key] = CompiledTemplate(template, today)
    return known
