"""The REST API that factories call already: SNMS (snms-api.md)."""
