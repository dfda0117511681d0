#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: names.py TOOL-PREFIX LIBRARY CRT0 LIBC OUT-LIBRARY OUT-CRT0 HEADERS-FOLDER...

The libOS as programs link it: a global name that no header declares gets the prefix `__aegis_`, which is the implementation's, so that
no name of a program's can meet it (POSIX.1-2017 XSH 2.2.2). Names of headers, and those that the C library wants of us, stay."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Headers that cannot be read beside the others, or are no program's to include.
LEFT_OUT = {"tgmath.h", "rpc", "ssp", "bits", "machine", "regdef.h", "envlock.h", "_syslist.h", "cross-stdarg.h"}


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, **options).stdout


def declared(tool, folders):
    """All identifiers that the headers leave behind the preprocessor."""
    lines = []
    for folder in map(Path, folders):
        for path in sorted(folder.rglob("*.h")):
            name = path.relative_to(folder)
            if not LEFT_OUT & {name.parts[0], name.name}:
                lines.append(f"#include <{name}>\n")
    source = "#define _GNU_SOURCE 1\n" + "".join(lines)
    include = [f"-isystem{folder}" for folder in folders]
    done = subprocess.run([f"{tool}gcc", "-D__exo__", *include, "-E", "-P", "-x", "c", "-"], input=source, capture_output=True, text=True)
    if done.returncode and not done.stdout:
        sys.exit(f"names.py: the headers cannot be read:\n{done.stderr}")
    return set(re.findall(r"[A-Za-z_]\w*", done.stdout))


def names(tool, library, *options):
    """Symbols of an archive, by nm."""
    return {line.split()[-1] for line in run(f"{tool}nm", *options, library).splitlines() if line and line[-1] != ":"}


def whole(tool, library, out):
    """Meson's archives are thin: they only name their members."""
    members = run(f"{tool}ar", "t", library).splitlines()  # as seen from here
    Path(out).unlink(missing_ok=True)
    run(f"{tool}ar", "qc", out, *members)


def main():
    if len(sys.argv) < 8:
        sys.exit(__doc__)
    tool, library, crt0, libc, out, out_crt0, *folders = sys.argv[1:]
    kept = declared(tool, folders) | names(tool, libc, "-u") | {"_start", "environ", "main"}
    ours = names(tool, library, "-g", "--defined-only")
    renamed = sorted(n for n in ours if n not in kept and not n.startswith(("aegis_", "__aegis_", "_aegis_")))
    with tempfile.NamedTemporaryFile("w", suffix=".names") as table:
        table.writelines(f"{name} __aegis_{name}\n" for name in renamed)
        table.flush()
        whole(tool, library, out)
        run(f"{tool}objcopy", f"--redefine-syms={table.name}", out)
        run(f"{tool}objcopy", f"--redefine-syms={table.name}", crt0, out_crt0)
    run(f"{tool}ranlib", out)


main()
