"""Write the bill of materials: what a node is made of, in which version, under which licence.

``python -m scripts.bill FOLDER`` writes ``sbom.cdx.json`` (CycloneDX), ``licences.md`` and ``packages.txt`` into
FOLDER. All name what Hansa and its extras bring to a running node, without the tools of its developers. A licence
that nobody has said yes to (:data:`ACCEPTED`) ends the command with a fault, so that none slips in.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DEVELOPERS: Final = frozenset({"test", "docs", "demo"})
"""Extras that no node runs with, or that only name others."""

ACCEPTED: Final = frozenset(
    "0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause CC0-1.0 EUPL-1.2 ISC MIT MIT-0 MIT-CMU MPL-2.0 PSF-2.0 Zlib".split()
)
"""Licences (SPDX) of parts: permissive, or copyleft that ends at the file. Not GPL or AGPL."""

SAID: Final = {
    "apsw": "Zlib",
    "protobuf": "BSD-3-Clause",
}
"""Licences of packages whose metadata name none, or no SPDX identifier: read in their own text."""

CLASSIFIERS: Final = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What older metadata say instead of an identifier."""


@dataclass(frozen=True, slots=True)
class Part:
    """A package of a running node; `licence` is an SPDX expression, "" where none is known."""

    name: str
    version: str
    licence: str

    @property
    def accepted(self) -> bool:
        """Whether its licence is one of ours: of "A OR B" one suffices, of "A AND B" both must be."""
        return bool(self.licence) and any(
            set(re.findall(r"[A-Za-z0-9.-]+", either)) - {"AND"} <= ACCEPTED
            for either in _alternatives(self.licence)
        )


def _alternatives(expression: str) -> list[str]:
    """ "A AND (B OR C)" as ["A AND B", "A AND C"]: each is enough."""
    inner = re.search(r"\(([^()]*)\)", expression)
    if inner is None:
        return expression.split(" OR ")
    before, after = expression[: inner.start()], expression[inner.end() :]
    return [
        one for choice in inner[1].split(" OR ") for one in _alternatives(before + choice + after)
    ]


def parts(root: str = "hansa") -> list[Part]:
    """All that `root` needs with every extra of a node, and what those need, by name."""
    extras = set(distribution(root).metadata.get_all("Provides-Extra") or ()) - DEVELOPERS
    found: dict[str, Part] = {}
    waiting = [(root, frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        name, chosen = wanted
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        found[canonicalize_name(name)] = Part(
            package.metadata["Name"], package.version, licence(package)
        )
        waiting += _needs(package, chosen)
    return [found[name] for name in sorted(found)]


def _needs(package: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """What a package needs on this machine when it is installed with `extras`."""
    for text in package.requires or ():
        need = Requirement(text)
        chosen = [{"extra": extra} for extra in ("", *extras)]
        if need.marker is None or any(need.marker.evaluate(each) for each in chosen):
            yield need.name, frozenset(need.extras)


def licence(package: Distribution) -> str:
    """The licence of a package as an SPDX expression; "" where its metadata name none."""
    said = SAID.get(canonicalize_name(package.metadata["Name"]))
    if said:
        return said
    if expression := package.metadata.get("License-Expression"):
        return str(expression)
    text = str(package.metadata.get("License") or "").strip()
    if text in ACCEPTED:
        return text
    known = [CLASSIFIERS.get(c, "") for c in package.metadata.get_all("Classifier") or ()]
    return " AND ".join(dict.fromkeys(name for name in known if name))


def bill_of(found: list[Part]) -> dict[str, Any]:
    """The CycloneDX bill of the environment, without what no node runs with."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.json"
        tool = [sys.executable, "-m", "cyclonedx_py", "environment", sys.executable]
        subprocess.run([*tool, "-o", str(whole)], check=True, capture_output=True)  # noqa: S603
        bill: dict[str, Any] = json.loads(whole.read_text())
    names = {canonicalize_name(part.name) for part in found}
    bill["components"] = [c for c in bill["components"] if canonicalize_name(c["name"]) in names]
    kept = {component["bom-ref"] for component in bill["components"]}
    bill["dependencies"] = [
        {**entry, "dependsOn": sorted(kept & set(entry.get("dependsOn", ())))}
        for entry in bill["dependencies"]
        if entry["ref"] in kept
    ]
    return bill


def report(found: list[Part]) -> str:
    """The licences as a table for people."""
    rows = [f"| {part.name} | {part.version} | {part.licence or 'not known'} |" for part in found]
    head = ["# What a node is made of", "", "| package | version | licence |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def main(folder: Path) -> int:
    """Write the files; 1 if a licence is not accepted."""
    found = parts()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sbom.cdx.json").write_text(json.dumps(bill_of(found), indent=1) + "\n")
    (folder / "licences.md").write_text(report(found))
    pins = [f"{part.name}=={part.version}\n" for part in found if part.name != "hansa"]
    (folder / "packages.txt").write_text("".join(pins))
    print(f"{len(found)} packages: {folder / 'sbom.cdx.json'}, {folder / 'licences.md'}")
    refused = [part for part in found if not part.accepted]
    for part in refused:
        told = f"is under {part.licence}" if part.licence else "names no licence"
        print(f"{part.name} {part.version} {told}, which nobody accepted", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build")))
