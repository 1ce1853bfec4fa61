# SPDX-License-Identifier: Apache-2.0
"""What becomes true soon."""
import time


def soon(holds, seconds: float = 30) -> bool:
    """Asks again and again until it holds; false when that takes longer."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
