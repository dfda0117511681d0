# SPDX-License-Identifier: BSD-2-Clause
"""The suites, in one table, and how one is run: its lines `ok NAME` and `not ok NAME` are the tests."""
import os
import re
import selectors
import signal
import subprocess
import time
from collections import namedtuple

from . import build, paths, proc
from .proc import say

# command: run from the repository's root, `--long` added when asked for and `long` says that the suite knows it.
# ci: part of the plain form. needs: paths without any of which the suite is left out, by name. minutes: without
# a line for so long it counts as hung.
Suite = namedtuple("Suite", "name command ci long needs minutes")

SCAPY = "/usr/lib/python3/dist-packages/scapy"

SUITES = [
    Suite("scripts", ["tests/scripts/run"], True, False, None, 10),
    Suite("size", ["scripts/size", "--tap"], True, False, "exokernel", 2),
    Suite("unit", ["tests/unit/run"], True, False, "tests/unit/run", 10),
    Suite("model", ["tests/model/run"], True, True, "tests/model/run", 15),
    Suite("fuzz", ["tests/fuzz/run"], True, True, "tests/fuzz/run", 15),
    Suite("filters", ["tests/filters/run"], True, True, "tests/filters/run", 15),
    Suite("ash", ["tests/ash/run"], True, True, "tests/ash/run", 10),
    Suite("proofs", ["tests/ash/proof"], False, False, "tests/ash/proof", 60),
    Suite("cbmc", ["tests/cbmc/run"], False, True, "tests/cbmc/run", 5),
    Suite("spin", ["tests/spin/run"], True, False, "tests/spin/run", 5),
    Suite("machine", ["tests/machine/run"], True, True, "tests/machine/run", 15),
    Suite("refusals", ["tests/machine/refusals"], True, False, "tests/machine/refusals", 10),
    Suite("network", ["tests/network/run"], True, False, SCAPY, 10),
    Suite("hostile", ["tests/hostile/run"], True, True, "tests/hostile/run", 15),
    Suite("stress", ["tests/machine/stress"], True, True, "tests/machine/stress", 10),
    Suite("smoke", ["tests/machine/smoke"], True, False, "tests/machine/smoke", 15),
    Suite("libos", ["tests/libos/run"], True, True, "tests/libos/run", 15),
    Suite("net", ["tests/net/run"], True, True, f"build/lwip {SCAPY}", 10),
    Suite("web", ["tests/web/run"], True, False, "build/lwip", 10),
    Suite("terminals", ["tests/libos/terminals"], True, True, "tests/libos/terminals", 15),
    Suite("conformance", ["tests/libos/conformance"], True, True, "tests/libos/conformance", 10),
    Suite("kill", ["tests/libos/sweep"], True, True, "tests/libos/sweep", 10),
    Suite("manual", ["exokernel/manual.py", "--check"], True, False, None, 1),
    Suite("functions", ["libos/posix_table.py", "--check"], True, False, "build/machine/libos/libaegis.a", 2),
    Suite("posix", ["tests/posix/run"], True, True, "tests/posix/run", 20),
    Suite("programs", ["tests/programs/run"], True, True, "tests/programs/run", 10),
    Suite("suites", ["tests/programs/suites"], True, True, "tests/programs/suites", 15),
    Suite("projects", ["tests/projects/run"], True, False, "tests/projects/run", 10),
    Suite("paths", ["tests/paths/run"], True, False, "tests/paths/run", 5),
    Suite("bounds", ["tests/paths/bounds", "--check"], True, False, "tests/paths/bounds", 5),
    Suite("figures", ["scripts/bench", "--tap"], True, False, "apps/bench", 10),
]

# With --long a suite may take this many times as long.
LONG = 60

RESULT = re.compile(r"^(not )?ok\b[ \t]*(?:\d+[ \t]*)?(?:- )?(.*)$")


def run_suite(suite, long):
    """(passed, failed names, seconds). Crash, hang and silence each count as one failure."""
    command = [paths.ROOT / suite.command[0], *suite.command[1:]] + (["--long"] if long and suite.long else [])
    started = time.monotonic()
    limit = suite.minutes * 60 * (LONG if long else 1)
    child = subprocess.Popen([str(c) for c in command], cwd=paths.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, process_group=0, preexec_fn=proc.die_with_parent)
    counter = Counter(suite.name)
    try:
        finished = follow(child, counter, limit)
        if not finished:
            counter.fail("hung")
            proc.stop(child)
        elif child.wait():
            counter.ended_badly(child.returncode)
    except BaseException:
        proc.stop(child)
        raise
    finally:
        child.stdout.close()
    if not counter.passed and not counter.failed:
        counter.fail("no test reported")
    return counter.passed, counter.failed, time.monotonic() - started


class Counter:
    def __init__(self, suite):
        self.suite, self.passed, self.failed, self.since = suite, 0, [], []

    def line(self, text):
        found = RESULT.match(text)
        if not found:
            self.since.append(text)
            del self.since[:-200]
            return
        if found[1]:
            self.fail(found[2])
        else:
            self.passed += 1
        self.since = []

    def fail(self, name):
        self.failed.append(f"{self.suite}: {name}")
        for text in self.since:
            print(f"    {text}")
        self.since = []
        print(f"  not ok {name}", flush=True)

    def ended_badly(self, status):
        if not self.failed:
            how = f"signal {-status} ({signal.Signals(-status).name})" if status < 0 else f"status {status}"
            self.fail(f"ended with {how}")


def follow(child, counter, limit):
    """Reads the suite's lines until it closes its output; False when none has come for `limit` seconds."""
    buffer, last = b"", time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            left = last + limit - time.monotonic()
            if left <= 0:
                return False
            if not selector.select(min(left, 1)):
                if child.poll() is not None:  # a grandchild holds the pipe
                    return True
                continue
            data = os.read(child.stdout.fileno(), 1 << 16)
            if not data:
                return True
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                last = time.monotonic()
                counter.line(line.decode(errors="replace"))


def main(wanted, long):
    known = {s.name: s for s in SUITES}
    if wrong := [name for name in wanted if name not in known]:
        raise proc.Wrong(f"no suite {', '.join(wrong)}; there are {', '.join(known)}")
    chosen = [known[n] for n in wanted] or [s for s in SUITES if s.ci or long]
    started = time.monotonic()
    passed, failed = 0, []
    try:
        build.build()
        passed += 1
    except proc.Failure as failure:  # what was built before, and what needs no build, is still tested
        print(failure)
        failed.append("build")
    for suite in chosen:
        if lacking := [need for need in (suite.needs or "").split() if not (paths.ROOT / need).exists()]:
            say(f"{suite.name}: left out, there is no {lacking[0]}")
            continue
        print(f"{suite.name} ...", flush=True)
        good, bad, seconds = run_suite(suite, long)
        passed += good
        failed += bad
        print(f"{suite.name}: {good} passed, {len(bad)} failed, {seconds:.0f} s", flush=True)
    if failed:
        print("\nfailed:")
        for name in failed:
            print(f"  {name}")
    print(f"in {time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0
