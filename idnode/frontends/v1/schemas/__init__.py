"""The JSON documents of /v1 as types: input is refused beyond them, OpenAPI is generated from them."""
