"""Our own API: JSON over HTTP under /v1, described by its own OpenAPI document."""
