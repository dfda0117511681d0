# SPDX-License-Identifier: BSD-2-Clause
"""Builds the freestanding guests of tests/machine and tests/hostile and boots them; TAP comes out."""
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from aegis import machine, packages, paths  # noqa: E402

OUT = paths.BUILD / "tests"
FLAGS = ["-g", "-O1", "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-ffreestanding", "-fno-pic", "-fno-common", "-ffixed-x3",
         "-Wall", "-Wextra", "-Werror", "-nostdlib", "-static", "-I", ROOT / "exokernel/include", "-I", HERE,
         "-T", HERE / "lib/lib.ld", "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096", "-Wl,--no-warn-rwx-segments"]
MACHINE = [HERE / f"{name}.c" for name in ("main", "calls", "calls_map", "calls_env", "calls_devices", "arguments", "errors", "upcalls", "transfers",
                                           "time", "memory", "devices", "roots")]
NETWORK = [HERE / f"{name}.c" for name in ("network_main", "packets", "network", "network_service", "network_hostile", "network_changes", "handler_bench",
                                           "handlers", "handlers_owner", "handlers_later", "handlers_later_hostile")]
OFFLOAD = [HERE / f"{name}.c" for name in ("network_offload", "packets")]
LIBRARY = [HERE / "lib/lib.c", HERE / "lib/upcall.S"]
# Virtual time costs an instruction a nanosecond: short slices make the tests short.
COUNTED = ["slice=1000", "grace=200"]
# By the clock, on a host that may take a hart away for a while: nobody shall overrun for that.
CLOCKED = ["slice=10000", "grace=100000"]

wrong = 0


def tap(ok, name, why=b""):
    global wrong
    wrong += not ok
    if not ok and why:
        print("\n".join("# " + line for line in why.decode(errors="replace").splitlines()[-40:]))
    print(f"{'ok' if ok else 'not ok'} {name}", flush=True)


def build(name, sources, options=(), library=LIBRARY):
    OUT.mkdir(parents=True, exist_ok=True)
    elf = OUT / name
    command = [paths.TOOL + "gcc", *FLAGS, *options, *sources, *library, "-o", elf]
    done = subprocess.run([str(c) for c in command], capture_output=True)
    if done.returncode:
        tap(False, f"{name} builds", done.stderr)
        sys.exit(1)
    return elf


KERNEL = os.environ.get("AEGIS_KERNEL")  # another kernel, to see these tests fail


def boot(elf, label, *, expect=0, timeout=120, forbidden=("forbidden",), **options):
    """One run; the guest's own lines with the label added. False when a test failed or the guest did not end."""
    options.setdefault("stdin", b"typed")
    options.setdefault("append", COUNTED if options.get("icount") else CLOCKED)
    result = machine.run(init=elf, timeout=timeout, kernel=KERNEL, **options)
    text = result.stdout.decode(errors="replace")
    count = 0
    if "not ok" in text:
        print("\n".join("# log: " + line for line in result.log.decode(errors="replace").splitlines() if "ended" in line))
    for line in text.splitlines():
        found = re.match(r"(not )?ok (.*)", line)
        if found:
            tap(not found[1], f"{found[2]} ({label})")
            count += 1
        else:
            print(line)
    for word in forbidden:
        if word in text.lower():
            tap(False, f"no forbidden output ({label})", text.encode())
    if result.status != expect and not (result.status == 1 and "not ok" in text):
        tap(False, f"ends with {expect}, not {result.status} ({label})", result.stderr + result.log[-3000:])
    elif not count:
        tap(False, f"some test ran ({label})", result.log)
    return result


def system_qemu():
    """QEMU 7.2 where the system has it, else None."""
    import shutil
    path = shutil.which("qemu-system-riscv64")
    return path if path and packages.qemu_version(path) < (10,) else None
