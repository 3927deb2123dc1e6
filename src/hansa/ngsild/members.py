"""The members of an attribute instance beside its value (clauses 4.5.2 to 4.5.5 and 4.22).

Each reader checks one member that a client wrote and puts it into the instance. NGSI-LD Null asks a
patch to remove the member; anywhere else it is refused (clause 5.5.4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.kernel.ids import is_uri
from hansa.ngsild.model import NULL, Instance
from hansa.ngsild.rules import Rules
from hansa.ngsild.values import check_datetime

__all__ = ["MEMBERS", "check_proof", "refuse_null"]

_LANG_STRING: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"

Reader = Callable[[Instance, str, str, Any, Rules], None]


def refuse_null(subject: str) -> BadRequest:
    """The refusal of NGSI-LD Null where nothing is to be removed."""
    return BadRequest(
        subject, f"it holds {NULL!r}, which only says what to remove in a patch", "leave it out"
    )


def _dataset_id(at: Instance, name: str, member: str, content: Any, rules: Rules) -> None:
    if content == "@none":
        return
    if not is_uri(content) or content == NULL:
        raise BadRequest(
            f"attribute '{name}'",
            f"datasetId {str(content)[:80]!r} is not the URI of a dataset",
            "use a URI; a datasetId cannot be removed",
        )
    at[member] = content


def _removable(at: Instance, name: str, member: str, content: Any, rules: Rules) -> bool:
    if content != NULL:
        return False
    if not rules.nulls:
        raise refuse_null(f"attribute '{name}', member {member}")
    at[member] = NULL
    return True


def _instant(at: Instance, name: str, member: str, content: Any, rules: Rules) -> None:
    if not _removable(at, name, member, content, rules):
        at[member] = check_datetime(content, f"attribute '{name}', member {member}")


def _text(at: Instance, name: str, member: str, content: Any, rules: Rules) -> None:
    if _removable(at, name, member, content, rules):
        return
    if not isinstance(content, str) or not content:
        raise BadRequest(f"attribute '{name}'", f"'{member}' is not text", "give a string")
    at[member] = content


def _vocabulary(at: Instance, name: str, member: str, content: Any, rules: Rules) -> None:
    if _removable(at, name, member, content, rules):
        return
    names = content if isinstance(content, list) else [content]
    if not names or not all(isinstance(item, str) for item in names):
        raise BadRequest(
            f"attribute '{name}'", f"'{member}' is not a name", "give a name or a list"
        )
    expanded = [rules.context.expand(item) for item in names]
    at[member] = expanded if isinstance(content, list) else expanded[0]


def _value_type(at: Instance, name: str, member: str, content: Any, rules: Rules) -> None:
    _vocabulary(at, name, member, content, rules)
    if at.get("type") == "LanguageProperty" and at[member] not in (_LANG_STRING, NULL):
        raise BadRequest(
            f"attribute '{name}'",
            "the valueType of a LanguageProperty is langString",
            "leave valueType out",
        )


def check_proof(name: str, value: Any) -> Any:
    """The value of ``ngsildproof``, a W3C data integrity proof (clause 4.5.2.2)."""
    if not isinstance(value, dict):
        raise BadRequest(
            f"attribute '{name}'", "its value is not an object", "give a data integrity proof"
        )
    return value


MEMBERS: Final[dict[str, Reader]] = {
    "datasetId": _dataset_id,
    "observedAt": _instant,
    "expiresAt": _instant,
    "unitCode": _text,
    "lang": _text,
    "valueType": _value_type,
    "objectType": _vocabulary,
}
"""The reader of each member: (instance, attribute name, member, content, rules)."""
