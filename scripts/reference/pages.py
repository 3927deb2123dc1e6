"""The generated pages by file name, and those of them that are one table."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from hansa.kernel import errors
from hansa.kernel.settings import OPTIONS
from hansa.kernel.settings_file import toml
from scripts.reference import api, commands, entity_types, policies
from scripts.reference.markdown import code, page, table


def settings() -> str:
    """The text of ``settings.md``."""
    rows = (
        (
            code(option.name),
            option.type,
            code(toml(option.default)),
            option.help,
            code(option.example),
            code(option.environment),
        )
        for option in OPTIONS.values()
    )
    return page(
        "Settings",
        "Options stand in `hansa.toml` in the node's folder. The environment wins over the file, and a "
        "flag of the command wins over both. In the environment a list is separated by commas, and a "
        "table is written `KEY=VALUE KEY=VALUE`. An unknown name or a wrong type is refused with the "
        "line where it stands. Settings are read when a node starts: after a change, start it again.",
        table(("option", "type", "default", "what it does", "example", "environment"), rows),
    )


def error_names() -> str:
    """The text of ``errors.md``."""
    classes = [getattr(errors, name) for name in errors.__all__]
    classes.sort(key=lambda cls: (cls.status, cls.__name__))
    rows = (
        (str(cls.status), code(cls.code), code(cls.__name__), _first_sentence(cls))
        for cls in classes
        if cls is not errors.HansaError
    )
    return page(
        "Errors",
        "Every refusal says three things: the *subject* (what was being handled), the *fact* (what is "
        "wrong with it) and the *remedy* (what to do now). Over HTTP it is a problem document "
        "(`application/problem+json`, RFC 9457) whose `type` is "
        "`https://uri.etsi.org/ngsi-ld/errors/` and the name below; on the command line it stands on "
        "standard error and the exit code is 1.",
        table(("status", "NGSI-LD name", "in code", "when"), rows),
    )


def _first_sentence(cls: type) -> str:
    return inspect.getdoc(cls).split("\n\n")[0]  # type: ignore[union-attr]


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "commands.md": commands.make,
    "errors.md": error_names,
    "api.md": api.make,
    "entity-types.md": entity_types.make,
    "policies.md": policies.make,
}
"""What ``make docs-pages`` writes."""
