"""Make the list of common passwords (src/hansa/trust/identity/common_passwords.bin) from lists of leaked ones.

    python -m scripts.common_passwords LIST...

A list has one password a line. Kept are those that are long enough to be taken otherwise, and of each only the first eight
bytes of the SHA-256 of its lower-case form, in order: nobody's leaked password, and no foul word, stands in the repository.
The list that is there is made of the 388,098 most frequent of the ten million that Mark Burnett put into the public domain in 2015.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hansa.trust.identity.passwords import LEAST, mark

TARGET = Path(__file__).parents[1] / "src/hansa/trust/identity/common_passwords.bin"


def marks(lists: list[Path]) -> bytes:
    """The marks of all that is long enough, in order, each once."""
    found: set[bytes] = set()
    for each in lists:
        lines = each.read_text(encoding="utf-8", errors="ignore").splitlines()
        found.update(mark(line) for line in map(str.strip, lines) if len(line) >= LEAST)
    return b"".join(sorted(found))


if __name__ == "__main__":
    TARGET.write_bytes(marks([Path(name) for name in sys.argv[1:]]))
