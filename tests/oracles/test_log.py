"""The log's trees against pymerkle 7 (GPL, so never a dependency): roots and audit paths of 600 trees.

pymerkle sends a leaf along with its audit path. Its proofs of consistency have a form other than that of RFC 6962, so ours
are verified between its roots.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from hansa.trust.log.hashing import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    perfect_root,
    root,
    verify_consistency,
)

LARGEST = 600
ENVIRONMENT = Path(os.environ.get("ORACLES") or Path(__file__).parents[2] / ".venv" / "oracles")
HASHES = [leaf_hash(b"entry %d" % i) for i in range(LARGEST)]


def node(height: int, index: int) -> bytes:
    return perfect_root(HASHES[index << height : (index + 1) << height])


def test_the_trees_of_pymerkle_are_ours() -> None:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        pytest.skip("pymerkle is not installed; 'make oracles' installs it")
    script = str(Path(__file__).with_name("ask_pymerkle.py"))
    asked = subprocess.run([python, script, str(LARGEST)], capture_output=True, check=True)
    told = [json.loads(line) for line in asked.stdout.splitlines()]
    assert len(told) == LARGEST
    for theirs in told:
        size = theirs["size"]
        assert root(size, node).hex() == theirs["root"]
        for index, path in theirs["inclusion"].items():
            ours = [hash.hex() for hash in inclusion_proof(int(index), size, node)]
            assert sorted([HASHES[int(index)].hex(), *ours]) == sorted(path)
        for old, before in theirs["earlier"].items():
            assert root(int(old), node).hex() == before
            proof = consistency_proof(int(old), size, node)
            ends = bytes.fromhex(before), bytes.fromhex(theirs["root"])
            assert verify_consistency(int(old), size, *ends, proof)
