# SPDX-License-Identifier: Apache-2.0
"""Times programs side by side. Each round runs every contestant once, in an order of its own, so that whatever else the
machine does at that time touches all of them alike; and what is compared is medians.

Not hyperfine: it measures one command to its end before the next, and cannot give a command a standard input,
which nucleus-exec reads its spec from.
"""

import os
import random
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

PAUSE = 0.02  # seconds between two runs, in which the kernel ends what the last one left it to do


@dataclass
class Contestant:
    name: str
    argv: list
    stdin: str = os.devnull
    environment: dict = field(default_factory=lambda: {"PATH": os.environ.get("PATH", os.defpath)})
    prepare: Optional[Callable[[], None]] = None  # before each run, not timed


class Failed(Exception):
    """A contestant that does not do what it should has no time."""


def run_once(one):
    if one.prepare:
        one.prepare()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, one.stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    begin = time.perf_counter()
    pid = os.posix_spawnp(one.argv[0], one.argv, one.environment, file_actions=actions)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    elapsed = time.perf_counter() - begin
    if status != 0:
        raise Failed(f"{one.name}: exit status {status} of: {' '.join(one.argv)}")
    return elapsed


def measure(contestants, runs, warmup=3, pause=PAUSE):
    """Name to {median, mean, stddev, min, max, runs}, in milliseconds. Without a pause caches and clocks stay
    warm, and each start also pays for what the one before it left to the kernel."""
    times = {one.name: [] for one in contestants}
    order, dice = list(contestants), random.Random(1)
    for i in range(warmup + runs):
        # Whoever follows the heaviest would pay for it: the kernel takes namespaces down after the exit.
        dice.shuffle(order)
        for one in order:
            if pause > 0:
                time.sleep(pause)
            elapsed = run_once(one) * 1000
            if i >= warmup:
                times[one.name].append(elapsed)
    return {name: summary(values) for name, values in times.items()}


def summary(milliseconds):
    return {
        "median": statistics.median(milliseconds),
        "mean": statistics.fmean(milliseconds),
        "stddev": statistics.stdev(milliseconds) if len(milliseconds) > 1 else 0.0,
        "min": min(milliseconds),
        "max": max(milliseconds),
        "runs": len(milliseconds),
    }


def usable(contestants):
    """Those that can run here; for each other one its reason, on standard error."""
    good = []
    for one in contestants:
        try:
            run_once(one)
            good.append(one)
        except (Failed, OSError) as error:
            print(f"bench: left out: {error}", file=sys.stderr)
    return good
