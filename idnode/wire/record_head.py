"""What can be told of a stored record without reading all of it: pure."""

from uuid import UUID

_VALUES = b',"values":'
_HOLDER = b'"holder":"'
_UUID_BYTES = 36


def holder_of(document: bytes, values_at: int) -> UUID | None:
    """The enterprise that an identifier was transferred to, by the member before "values" (wire/record_json).

    No text in the document can be mistaken for it: a quotation mark inside of one has a backslash before it.
    """
    end = values_at - len(_VALUES) - 1
    begin = end - _UUID_BYTES
    if document[begin - len(_HOLDER) : begin] != _HOLDER:
        return None
    return UUID(document[begin:end].decode("ascii"))
