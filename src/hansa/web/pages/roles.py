"""What the roles of staff and the scopes of tokens are called on pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ROLE_NAMES", "SCOPE_NAMES"]

ROLE_NAMES: Final[Mapping[str, str]] = {
    "data_officer": "data officer",
    "strategy": "strategy",
    "diplomat": "diplomat",
    "planner": "planner",
    "auditor": "auditor",
    "administrator": "administrator",
}

SCOPE_NAMES: Final[Mapping[str, str]] = {
    "read": "read",
    "write": "write",
    "admin": "administer the node",
}
