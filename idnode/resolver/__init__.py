"""Resolution: from an identifier to the bytes a client is sent."""
