"""Writes the golden table again: entries that are new, and those whose version or libraries changed.

    python tests/golden/update.py [OPERATOR ...]

An output that changed while its version did not is refused, unless its operator is named here (`body/freeze`): that is
for a case whose input was changed on purpose. Where `corpus.keys` gives other digests, every entry is written again.
"""

from __future__ import annotations

import json
import sys

from golden_cases import NUMERIC
from golden_table import CASES, FILE, entry, fault, other_release, read_table, registered, ruler


def main(named: list[str]) -> int:
    known, operators, faults = read_table(), registered(), []
    same_ruler, known = known["ruler"] == ruler(), known["operators"]
    unknown = sorted(set(named) - set(CASES))
    if unknown:
        print(f"no case of {', '.join(unknown)}; there are {', '.join(sorted(CASES))}", file=sys.stderr)
        return 2
    table = {}
    for name, operator in sorted(operators.items()):
        if name in NUMERIC:
            continue
        if name not in CASES:
            faults.append(f"{name} has no case")
            continue
        before, now = known.get(name), entry(name, operator)
        held = same_ruler and before is not None and before["version"] == now["version"] and not other_release(before, now)
        if held and name not in named and (wrong := fault(name, before, now["version"], now["digest"])):
            faults.append(wrong)
            now = before
        if now != before:
            print(f"{name}: version {now['version']}, {now['digest']}")
        table[name] = now
    for name in sorted(set(known) - set(table)):
        print(f"{name}: gone")
    FILE.write_text(json.dumps({"ruler": ruler(), "operators": table}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for wrong in faults:
        print(wrong, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
