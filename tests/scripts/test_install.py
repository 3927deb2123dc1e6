"""The installer tells its steps, and shows all that pip said when it fails."""

from __future__ import annotations

import io
import sys

import pytest

from scripts.install import install, steps

SAID = """\
Obtaining file:///home/ana/hansa
  Installing build dependencies: started
Collecting apsw>=3.50
  Downloading apsw-3.50.4.whl.metadata (8 kB)
Collecting jinja2>=3.1
  Using cached jinja2-3.1.6-py3-none-any.whl.metadata (2.9 kB)
Downloading apsw-3.50.4.whl (6.9 MB)
Using cached jinja2-3.1.6-py3-none-any.whl (134 kB)
Building wheels for collected packages: hansa
  Building editable for hansa (pyproject.toml): started
Installing collected packages: apsw, jinja2, hansa
Successfully installed apsw-3.50.4 hansa-0.1.0 jinja2-3.1.6
"""


def test_a_line_a_step() -> None:
    assert list(steps(SAID.splitlines(keepends=True))) == [
        "finding out which packages are needed",
        "fetching them",
        "building what comes as source, Hansa among it",
        "putting 3 packages in place",
    ]
    assert list(steps(["Requirement already satisfied: apsw", "\xff", ""])) == []


def pip(program: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = install([sys.executable, "-c", program], "Hansa with: demo", out, err)
    return code, out.getvalue(), err.getvalue()


def test_all_went_well() -> None:
    code, out, err = pip(f"print({SAID!r})")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 6
    assert out.startswith("Installing Hansa with: demo")


@pytest.mark.parametrize("code", [1, 2])
def test_what_pip_said_is_shown_whole_when_it_fails(code: int) -> None:
    program = (
        f"import sys; print({SAID!r}); print('ERROR: no disk', file=sys.stderr); sys.exit({code})"
    )
    failed, _, err = pip(program)
    assert failed == code
    assert all(line in err for line in SAID.splitlines())
    assert "ERROR: no disk" in err
    assert "pip could not install Hansa with: demo" in err.splitlines()[-1]
