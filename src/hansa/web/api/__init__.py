"""The NGSI-LD API over HTTP (ETSI GS CIM 009, clause 6): plain ASGI, no framework on the hot path."""
