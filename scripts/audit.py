"""Ask what is known against the packages of a bill of materials: does any have a published weakness?

``python -m scripts.audit build --tool PATH`` has pip-audit ask the advisory database. A package that could not be asked about is
not a package without a weakness: then the command says so and ends with 2, however the tool ended. Without the internet
``--advisories FILE`` takes what was brought there: the export of advisories in OSV's form (``PyPI/all.zip`` of osv.dev, or a
folder of such files). It ends with 1 if something is known against a package, and with 0 only if all were asked about.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

FINE: Final = 0
FOUND: Final = 1
UNKNOWN: Final = 2
_PATIENCE: Final = 600


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something known against a package in a version; `mended` in these, if any."""

    package: str
    version: str
    advisory: str
    mended: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known, and the packages that nobody could be asked about, each with the reason."""

    known: list[Weakness]
    unasked: dict[str, str]
    asked: int


# -- the advisory database, by pip-audit -----------------------------------------------------------


def ask(tool: Path, pins: Path) -> Answer:
    """What pip-audit finds about the packages in a file of pins."""
    names = [line.partition("==")[0] for line in pins.read_text().split()]
    words = [str(tool), "--disable-pip", "--no-deps", "--progress-spinner", "off"]
    try:
        done = subprocess.run(  # noqa: S603
            [*words, "-f", "json", "-r", str(pins)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        return read(json.loads(done.stdout))
    except (OSError, subprocess.TimeoutExpired) as fault:
        reason = f"{tool} could not be run ({fault})"
    except ValueError:
        reason = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        reason = f"the advisory database did not answer ({reason[0][:200]})"
    return Answer([], dict.fromkeys(names, reason), 0)


def read(report: dict[str, Any]) -> Answer:
    """pip-audit's report. What it skipped was not asked about: it calls that a success."""
    known, unasked, asked = [], {}, 0
    for package in report["dependencies"]:
        if "skip_reason" in package:
            unasked[package["name"]] = package["skip_reason"]
            continue
        asked += 1
        for each in package["vulns"]:
            mended = ", ".join(each.get("fix_versions") or ())
            known.append(Weakness(package["name"], package["version"], each["id"], mended))
    return Answer(known, unasked, asked)


# -- advisories that were brought here -------------------------------------------------------------


def compare(pins: Path, advisories: Path) -> Answer:
    """What files of advisories say about the packages in a file of pins.

    Raises:
        ValueError: the files hold no advisory, or one that cannot be read.
    """
    held = {}
    for line in pins.read_text().split():
        name, _, version = line.partition("==")
        held[canonicalize_name(name)] = version
    known, count = [], 0
    for record in _records(advisories):
        count += 1
        if record.get("withdrawn"):
            continue
        for part in record.get("affected", ()):
            package = part.get("package", {})
            name = canonicalize_name(str(package.get("name", "")))
            if package.get("ecosystem") == "PyPI" and name in held and concerns(part, held[name]):
                known.append(Weakness(name, held[name], str(record["id"]), _mended(part)))
    if not count:
        raise ValueError(f"{advisories} holds no advisory")
    return Answer(sorted(set(known), key=lambda each: (each.package, each.advisory)), {}, len(held))


def _records(place: Path) -> Iterator[dict[str, Any]]:
    if place.is_dir():
        for path in sorted(place.rglob("*.json")):
            yield json.loads(path.read_text())
        return
    with zipfile.ZipFile(place) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def concerns(part: dict[str, Any], version: str) -> bool:
    """Whether an advisory's ``affected`` part concerns a version: it is named, or stands in a range (OSV schema 1.6)."""
    if version in part.get("versions", ()):
        return True
    ranges = (each for each in part.get("ranges", ()) if each.get("type") == "ECOSYSTEM")
    return any(_within(each.get("events", ()), version) for each in ranges)


def _within(events: Iterable[dict[str, str]], version: str) -> bool:
    """Whether a version comes after an introduction and before what ended it, in the order of versions."""
    held, inside = Version(version), False
    for event in sorted(events, key=_place):
        name, text = next(iter(event.items()))
        at = _version(text)
        if name == "introduced" and (text == "0" or at <= held):
            inside = True
        elif (name == "fixed" and at <= held) or (name == "last_affected" and at < held):
            inside = False
    return inside


def _place(event: dict[str, str]) -> Version:
    return _version(next(iter(event.values())))


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as fault:
        raise ValueError(f"an advisory names '{text[:50]}', which is no version") from fault


def _mended(part: dict[str, Any]) -> str:
    events = [event for each in part.get("ranges", ()) for event in each.get("events", ())]
    return ", ".join(event["fixed"] for event in events if "fixed" in event)


# -- saying so -------------------------------------------------------------------------------------


def told(answer: Answer) -> tuple[int, list[str]]:
    """How the command ends, and what it says."""
    lines = []
    for each in answer.known:
        mended = f"mended in {each.mended}" if each.mended else "not mended in any version"
        lines.append(f"{each.package} {each.version}: {each.advisory}, {mended}")
    if answer.unasked:
        name, reason = next(iter(answer.unasked.items()))
        lines.append(
            f"NOT AUDITED: {len(answer.unasked)} of {answer.asked + len(answer.unasked)} packages, "
            f"{name} among them: {reason}. Ask where the advisory database can be reached, "
            "or bring its export here: make audit ADVISORIES=all.zip"
        )
    if not lines:
        lines.append(f"Nothing is known against any of the {answer.asked} packages.")
    return FOUND if answer.known else UNKNOWN if answer.unasked else FINE, lines


def main(words: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts.audit", description=__doc__)
    parser.add_argument("bill", type=Path, help="the folder of the bill of materials")
    parser.add_argument("--tool", type=Path, help="pip-audit")
    parser.add_argument(
        "--advisories", type=Path, help="advisories in OSV's form, without the internet"
    )
    given = parser.parse_args(words)
    pins = given.bill / "packages.txt"
    try:
        if given.advisories:
            answer = compare(pins, given.advisories)
        else:
            answer = ask(given.tool or Path("pip-audit"), pins)
    except (OSError, ValueError, zipfile.BadZipFile) as fault:
        print(f"NOT AUDITED: {fault}", file=sys.stderr)
        return UNKNOWN
    code, lines = told(answer)
    for line in lines:
        print(line, file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main())
