# SPDX-License-Identifier: Apache-2.0
"""The gate alone, without FUSE: attesting the caller, the policy and the audit (gate_bench.cc)."""
import json
import subprocess

from entry import Entry


def entries(plan, _client):
    folder = plan.folder / "gate"
    folder.mkdir()
    words = [plan.program("gate_bench"), folder, "--json", "--cpu", plan.cpu, "--repeats", plan.less(4000, 1000)]
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False)
    try:
        results = json.loads(done.stdout)["results"]
    except (json.JSONDecodeError, KeyError):
        raise RuntimeError(f"gate_bench: {done.stderr.decode(errors='replace').strip()}") from None
    for one in results:
        yield Entry(f"gate: {one['name']}", one["value"], one["unit"], one["limit"] or None)
