# SPDX-License-Identifier: BSD-2-Clause
"""The guest of these tests, built once, and scripts/aegis on the path."""
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from aegis import machine, paths, proc  # noqa: E402

folder = tempfile.TemporaryDirectory(prefix="aegis-test-")
built = None


def guest():
    global built
    if not built:
        built = Path(folder.name) / "guest.elf"
        proc.run([paths.TOOL + "gcc", "-O1", "-g", "-ffreestanding", "-fno-builtin", "-mcmodel=medany", "-nostdlib", "-static",
                  "-Wl,--no-warn-rwx-segments", "-Wl,--build-id=none", "-T", HERE / "guest.ld", "-o", built, HERE / "guest.c"])
    return built


def toy(what, timeout=20, **options):
    return machine.run(archive=b"\0" * 512, kernel=guest(), append=[f"toy={what}"], timeout=timeout, **options)
