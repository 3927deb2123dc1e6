"""A process that logs without end and says of each act when it is durable; to be killed.

python -m tests.trust.log.writing FOLDER THREADS
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from hansa.kernel.clock import Clock
from hansa.trust.log.book import LogBook
from hansa.trust.log.commitments import Event


def main() -> None:
    book = LogBook(Path(sys.argv[1]), Clock())

    def write(number: int) -> None:
        for turn in range(100_000):
            reason = f"act-{os.getpid()}-{number}-{turn}"
            index = book.record(Event("read", "somebody", ("urn:x",), reason=reason))
            os.write(1, f"{index} {reason}\n".encode())

    os.write(1, b"ready\n")
    for number in range(int(sys.argv[2])):
        threading.Thread(target=write, args=(number,)).start()


if __name__ == "__main__":
    main()
