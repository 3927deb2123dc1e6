"""``hansa provider``: who else may say who somebody is."""

from __future__ import annotations

from pathlib import Path

import orjson

from .conftest import Run


def test_declaring_and_removing(run: Run, node: tuple[Path, str], tmp_path: Path) -> None:
    folder, secret = ("--folder", node[0]), tmp_path / "secret.txt"
    secret.write_text("very secret\n")
    add = ("provider", "add", "visby", "--issuer", "https://id.visby.example", *folder)
    rule = ("--rule", "planner if groups=plan")
    assert run(*add, "--client-id", "hansa", "--rule", "king if a=b").exit_code == 1
    assert run(*add).exit_code == 1
    done = run(*add, "--client-id", "hansa", "--secret-file", secret, *rule, "--no-residents")
    assert done.exit_code == 0
    shown = run("provider", *folder, "--json").stdout
    assert "very secret" not in shown
    (listed,) = orjson.loads(shown)
    assert listed["rules"] == "planner if groups=plan"
    assert (listed["secret"], listed["residents"]) == (True, False)
    assert run("provider", "remove", "visby", *folder).exit_code == 0
    assert run("provider", "remove", "visby", *folder).exit_code == 1
