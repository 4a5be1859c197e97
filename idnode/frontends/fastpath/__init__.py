"""The connection front: owns every connection, answers plain reads itself and leaves the rest to aiohttp."""
