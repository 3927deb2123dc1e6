"""Runs where pycanon is installed: k, l and t of tables that come in as JSON lines, as JSON lines.

Each line in: {"quasi": [[...], ...], "sensitive": [[...], ...]}, columns of equal length.
"""

import json
import sys

import pandas as pd
from pycanon import anonymity

for line in sys.stdin:
    table = json.loads(line)
    columns = {f"q{n}": column for n, column in enumerate(table["quasi"])}
    columns |= {f"s{n}": column for n, column in enumerate(table["sensitive"])}
    frame = pd.DataFrame(columns)
    quasi = [name for name in columns if name[0] == "q"]
    sensitive = [name for name in columns if name[0] == "s"]
    found = {
        "k": int(anonymity.k_anonymity(frame, quasi)),
        "l": [int(anonymity.l_diversity(frame, quasi, [name], gen=False)) for name in sensitive],
        "t": [float(anonymity.t_closeness(frame, quasi, [name], gen=False)) for name in sensitive],
    }
    sys.stdout.write(json.dumps(found) + "\n")
