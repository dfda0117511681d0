# SPDX-License-Identifier: BSD-2-Clause
"""What was executed, counted in QEMU's own log: every instruction of given address ranges, one line each.

A second way to the figures that counts nothing by a counter of the guest's. Wants QEMU 10 (one-insn-per-tb)."""
import re
import tempfile
import time
from collections import namedtuple
from pathlib import Path

from . import machine, paths, proc

# Trace 0: HOST [CS_BASE/PC/FLAGS/CFLAGS] SYMBOL; and one that was logged but then not executed.
LINE = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/|^Stopped execution of TB chain before \S+ \[([0-9a-f]+)\]", re.M)

Run = namedtuple("Run", "status stdout stderr pcs")


def symbols(elf):
    """name -> address, and those of functions in order of address with their ends."""
    text = proc.run([paths.TOOL + "nm", "-n", elf], capture=True)[1]
    return {name: int(address, 16) for address, _, name in (line.split() for line in text.splitlines() if len(line.split()) == 3)}


def run(init, ranges, *, append=(), timeout=120, net=None, **options):
    """Boots `init` counted, and returns the PCs executed within `ranges` ((start, end), end not included), in order. `net`: a wire's end."""
    made = machine.make_archive(None, init=init, env={}, **options)
    out, err = bytearray(), bytearray()
    with tempfile.TemporaryDirectory(prefix="aegis-") as folder:
        initrd, log = Path(folder) / "archive.cpio", Path(folder) / "executed"
        with open(initrd, "wb") as f:
            made.write(f)
        serial = machine.SerialLine(folder)
        tokens = ["console=framed", f"seed={machine.seed(True)}", "harts=1", *append]
        command = machine.command_line(machine="virt", harts=1, memory=512, icount=True, qemu=None, kernel=paths.KERNEL,
                                       initrd=initrd, append=" ".join(tokens), serial=serial, net=net)
        command += ["-accel", "tcg,one-insn-per-tb=on", "-d", "exec,nochain", "-D", str(log),
                    "-dfilter", ",".join(f"{a:#x}+{b - a:#x}" for a, b in ranges)]
        running = machine.Session(command, serial, out=out.extend, err=err.extend)
        try:
            status = follow(running, timeout)
            if status in (machine.TIMEOUT, machine.BROKEN):
                err += b"\n" + running.story()
        finally:
            running.close()
        return Run(status, bytes(out), bytes(err), read(log))


def follow(running, timeout):
    """Session.loop without a terminal or input."""
    end = time.monotonic() + timeout
    while running.open and running.status is None:
        if time.monotonic() > end:
            return running.timed_out()
        running.pump(0.05)
    running.finish()
    return machine.BROKEN if running.status is None else running.status


def read(log):
    pcs = []
    with open(log, "rb") as f:
        for line in f:
            if found := LINE.match(line):
                if found[1]:
                    pcs.append(int(found[1], 16))
                elif pcs and pcs[-1] == int(found[2], 16):
                    pcs.pop()
    return pcs
