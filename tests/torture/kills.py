"""How often a test kills, what, and when: seeded, so that a failure can be had again."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

import psutil

from tests.processes import wait_until

# All kills of the long form together; each test takes its share. Without it a test kills a few times.
KILLS = int(os.environ.get("KILLS", "0"))
SEED = int(os.environ.get("KILLS_SEED", "1"))


def kills(few: int, of_a_thousand: int) -> int:
    return max(few, KILLS * of_a_thousand // 1000)


def kill_child_of(pid: int, chance: random.Random) -> None:
    """SIGKILL one of the processes that a master keeps; the master lives and has another soon."""
    master = psutil.Process(pid)
    wait_until(lambda: bool(master.children()), what=f"{master} has no processes left.")
    chance.choice(master.children()).send_signal(signal.SIGKILL)


def repeatedly(kill: Callable[[random.Random], None], times: int, *, shortest: float, longest: float) -> None:
    """Kill so many times, with a pause drawn anew before each."""
    chance = random.Random(SEED)
    for _ in range(times):
        time.sleep(chance.uniform(shortest, longest))
        kill(chance)
