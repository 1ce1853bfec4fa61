# SPDX-License-Identifier: Apache-2.0
"""Every operation on every node by every caller."""
import os
import unittest

import served
import table
from operations import OPERATIONS, answer


class Table(unittest.TestCase):
    def test_every_operation_gives_what_the_table_says(self):
        rows = table.rows()
        self.assertEqual(sorted(rows), sorted(OPERATIONS))
        tried, right, wrong = 0, 0, []
        for index, caller in enumerate(served.CALLERS):
            cases = []
            for node, kinds in served.NODES.items():
                for operation, row in rows.items():
                    wanted = table.wanted(operation, row, kinds[index], caller.uid == 0)
                    if wanted != {"-"}:
                        cases.append((operation, node, kinds[index], wanted))
            seen = served.as_caller(caller, lambda: [answer(operation, os.path.join(served.MOUNT, node).rstrip("/"))
                                                     for operation, node, _, _ in cases])
            tried += len(cases)
            for (operation, node, kind, wanted), found in zip(cases, seen, strict=True):
                if found in wanted:
                    right += 1
                else:
                    wrong.append(f"{operation}: {caller.name} on /{node} ({kind}): {found}, not {'/'.join(sorted(wanted))}")
        print(f"\nFIGURE: conformance: operations: {right} of {tried} as the table has them: {len(rows)} operations, "
              f"{len(served.NODES)} nodes, {len(served.CALLERS)} callers")
        if wrong:
            self.fail("\n" + "\n".join(wrong))

    def test_what_was_tried_has_changed_nothing(self):
        ada = served.CALLERS[0]
        read = lambda name: served.as_caller(ada, lambda: open(served.MOUNT / served.TEST / name, "rb").read().decode())
        self.assertEqual(read("SECRET"), "the value that is Ada's")
        self.assertEqual(read("app.conf"), f"line={served.TEMPLATE_VALUE.decode()}\n")
        self.assertEqual(read("EMPTY"), "")
