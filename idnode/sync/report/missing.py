"""The refusal of a record that lacks something."""

from idnode.model.errors import IdnodeError


class DataMissing(IdnodeError):
    """A record cannot say yet what its table wants; somebody has to fill it in, and to send the record again then."""

    code = "report-incomplete"
