"""Runs where pymerkle is installed: roots and proofs of trees of growing size, as JSON lines.

python ask_pymerkle.py LARGEST
"""

import json
import sys

from pymerkle import InmemoryTree

tree = InmemoryTree(algorithm="sha256")
for size in range(1, int(sys.argv[1]) + 1):
    tree.append_entry(b"entry %d" % (size - 1))
    found = {
        "size": size,
        "root": tree.get_root().hex(),
        "inclusion": {
            index: tree.prove_inclusion(index + 1, size).serialize()["path"]
            for index in {0, size // 3, size // 2, size - 1}
        },
        "earlier": {old: tree.get_root(old).hex() for old in {1, max(1, size // 3), size}},
    }
    sys.stdout.write(json.dumps(found) + "\n")
