#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the rules of the format have the same names everywhere: rules.py CHECKOUT.

Every rule that the library refuses by stands in docs/store-format.md, every rule there is refused by the library, and has a
vector unless it is named below.
"""
import re
import sys
from pathlib import Path

SLUG = r"[a-z]+(?:-[a-z]+)*\.[a-z]+(?:-[a-z]+)*"
# No vector: a commit of more than 1 MiB, what only a store in use shows, and texts that are handed over.
NO_VECTOR = {"commit.too-large", "payload.missing", "grant.box", "store.fork", "store.rollback", "store.missing-commit",
             "store.schema", "store.unreadable", "recipient.signing", "recipient.sealing"}
# The names as coffer-stored and its clients know them.
LIST = "store/service/rule_names.cc"


def main() -> int:
    root = Path(sys.argv[1])
    text = (root / "docs/store-format.md").read_text()
    documented = {slug for slug in re.findall(rf"`({SLUG})`", text) if not slug.endswith((".md", ".py", ".db"))}
    prefixes = {slug.split(".")[0] for slug in documented}
    listed = set(re.findall(rf'"({SLUG})"', (root / LIST).read_text()))
    code = {slug for path in (root / "store").rglob("*.cc") if path != root / LIST for slug in re.findall(rf'"({SLUG})"', path.read_text())
            if slug.split(".")[0] in prefixes}
    vectors = {match[1] for path in (root / "tests/vectors").glob("*.vector")
               if (match := re.search(r"^expect: refuse (\S+)$", path.read_text(), re.M))}
    differences = {"refused by the library, not in docs/store-format.md": code - documented,
                   "in docs/store-format.md, not in the library": documented - code,
                   f"refused by the library, not in {LIST}": documented - listed,
                   f"in {LIST}, not in docs/store-format.md": listed - documented,
                   "without a vector": documented - vectors - NO_VECTOR,
                   "in a vector, not in docs/store-format.md": vectors - documented}
    for what, slugs in differences.items():
        for slug in sorted(slugs):
            print(f"{slug}: {what}")
    print(f"{len(documented)} rules, {len(vectors)} with vectors")
    return 1 if any(differences.values()) or not documented else 0


if __name__ == "__main__":
    sys.exit(main())
