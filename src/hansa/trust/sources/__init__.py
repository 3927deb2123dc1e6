"""The register of sources: what must be said of a source before its data may come in."""
