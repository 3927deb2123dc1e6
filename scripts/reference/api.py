"""The page of the API, read from its table of operations."""

from __future__ import annotations

from hansa.web.api.params import DESCRIPTIONS
from hansa.web.api.routes import OPERATIONS
from scripts.reference.markdown import code, page, table


def make() -> str:
    """The text of ``api.md``."""
    operations = (
        (
            code(operation.verb),
            code(operation.path),
            operation.title,
            operation.clause,
            ", ".join(code(name) for name in sorted(operation.parameters)),
        )
        for operation in OPERATIONS
    )
    used = sorted({name for operation in OPERATIONS for name in operation.parameters})
    return page(
        "API",
        "The API is that of NGSI-LD, [ETSI GS CIM 009](https://www.etsi.org/committee/cim) V1.9.1, under "
        "`/ngsi-ld/v1`. A running node describes it for programs at `/openapi.json` (OpenAPI 3.1). "
        "Reading the city's own tenant needs no account; writing needs a token as "
        "`Authorization: Bearer TOKEN`: the operator's, or one of an account or a client with the scope `write` "
        "that names its source (see [Accounts and logins](../how-to/accounts.md#tokens-for-programs)). A request that names no @context speaks in the terms of the "
        "[city's vocabulary](entity-types.md).",
        "## Operations",
        table(("verb", "path", "operation", "clause", "parameters"), operations),
        "## Parameters",
        table(("parameter", "what it does"), ((code(n), DESCRIPTIONS[n]) for n in used)),
        "What is not listed here is not offered; a request for it is refused with the name of what is. "
        "How far this agrees with the specification is on the validation pages.",
    )
