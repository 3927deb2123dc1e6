"""Every text that the pages show, collected from where it is written."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import hansa.web
from hansa.trust.log.commitments import KINDS
from hansa.web.pages import (
    algorithms,
    api,
    book_words,
    codes,
    labels,
    names,
    privacy,
    roles,
    rule_words,
    source_admin,
    source_form,
    sources,
    vocabulary,
)
from hansa.web.pages.errors import _FACTS, _OTHERWISE, _REMEDIES, _SUBJECTS, _TITLES
from hansa.web.shell import language
from hansa.web.signs import chain

WEB = Path(hansa.web.__file__).parent
_ONE = re.compile(r"""\b_\(\s*(["'])((?:(?!\1).)*)\1""")
_MANY = re.compile(r'tongue\.plural\(\s*"([^"]*)",\s*"([^"]*)"')
_SCRIPT = re.compile(r'\bt\(\s*"([^"]*)"(?:,\s*"([^"]*)")?')


def shown_texts() -> dict[str, bool]:
    """Each text, and whether a count decides between two forms of it."""
    found: dict[str, bool] = {}
    for path in (WEB / "templates").glob("*.html"):
        text = path.read_text()
        found |= {match[1]: False for match in _ONE.findall(text)}
        found |= {many: True for _, many in _MANY.findall(text)}
    for path in (WEB / "static" / "js").glob("*.js"):
        for one, many in _SCRIPT.findall(path.read_text()):
            found[many or one] = bool(many)
    for path in (*(WEB / "pages").glob("*.py"), *(WEB / "signs").glob("*.py")):
        found |= _from_python(path)
    for single, several in names._TYPES.values():
        found |= {single: False, several: False}
    found |= dict.fromkeys(labels.ATTRIBUTES.values(), False)
    found |= dict.fromkeys(names.GEOMETRIES.values(), False)
    found |= {
        text: False
        for words in (sources._IMPORTS, sources._LIVES)
        for word, meaning, _ in words.values()
        for text in (word, meaning)
    }
    found |= dict.fromkeys(KINDS.values(), False)
    found |= {many: True for _, many in chain._UNITS}
    tables = (book_words.READERS, book_words.CLAIMS, book_words.CODES, book_words.REASONS)
    found |= {text: False for table in (*tables, book_words._STATES) for text in table.values()}
    words = (algorithms.LABELS, algorithms.RISK_WORDS, algorithms.STATUS_WORDS)
    found |= {text: False for table in words for text in table.values()}
    found |= {text: False for pair in source_form.TEXTS.values() for text in pair if text}
    found |= dict.fromkeys(source_form.STEPS.values(), False)
    found |= dict.fromkeys((*source_admin.FAULTS, "unlimited"), False)
    found |= dict.fromkeys(api._GROUPS.values(), False)
    found |= dict.fromkeys((*roles.ROLE_NAMES.values(), *roles.SCOPE_NAMES.values()), False)
    for table in (privacy.STEP_WORDS, privacy.PERIODS, privacy.REASONS, privacy.NEVER):
        found |= dict.fromkeys(table.values(), False)
    for table in (
        rule_words.ACTION_WORDS,
        rule_words.KIND_WORDS,
        rule_words.EXTENTS,
        rule_words.WHY,
    ):
        found |= dict.fromkeys(table.values(), False)
    words = (*vocabulary.VALUES.values(), *codes._WORDS.values(), codes._STANDING)
    found |= {text: False for table in words for text in table.values()}
    found |= dict.fromkeys((*_TITLES.values(), _OTHERWISE, *_FACTS, *_REMEDIES, *_SUBJECTS), False)
    found |= dict.fromkeys((*language._MONTHS, *language._WEEKDAYS, "{day} {month} {year}"), False)
    found |= {
        "{n} " + unit: True for unit in ("stops", "public transport lines", "buildings", "places")
    }
    return found


def _from_python(path: Path) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = ast.unparse(node.func)
        texts = [
            a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
        ]
        if name in {"tongue", "self._"} and texts:
            found[texts[0]] = False
        elif name in {"tongue.plural", "self._.plural", "_unit"} and len(texts) >= 2:
            found[texts[1]] = True
    return found
