"""Whether an archive is whole: every listed file is there, and is what was written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hansa.history.build import digest
from hansa.history.segment import Segment

__all__ = ["faults"]


def faults(folder: Path, segments: Iterable[Segment]) -> list[str]:
    """What is wrong with the files of `segments`, as sentences; empty when all is well."""
    found = []
    for segment in segments:
        files = segment.files(folder)
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            found += [f"the file {name} of the archive is missing" for name in missing]
            continue
        try:
            same = digest(files) == segment.digest
        except OSError as error:
            found.append(f"the segment {segment.name} cannot be read ({error.strerror})")
            continue
        if not same:
            found.append(f"the segment {segment.name} is not what was written")
    return found
