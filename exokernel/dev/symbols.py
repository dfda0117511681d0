#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the assembly of the kernel's symbol table: symbols.py NM ELF OUTPUT [OTHER] (dev/symbols.c reads it).

ELF may be "-": an empty table, for the first link. Status 1 if OTHER is there and another table: a function lies elsewhere.
"""

import subprocess
import sys
from pathlib import Path


def functions(nm, elf):
    """Address and name of each text symbol, and the image's start."""
    out = subprocess.run([nm, "-n", elf], check=True, capture_output=True, text=True).stdout
    start, found = 0, {}
    for line in out.splitlines():
        fields = line.split()
        if len(fields) != 3:
            continue
        address, kind, name = int(fields[0], 16), fields[1], fields[2]
        if name == "image_start":
            start = address
        elif kind in "tTwW" and not name.startswith((".L", "$")) and name not in ("text_end", "etext"):
            found[address] = name
    return start, sorted(found.items())


def main():
    if len(sys.argv) not in (4, 5) or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    nm, elf, output, *others = sys.argv[1:]
    start, table = (0, []) if elf == "-" else functions(nm, elf)
    with open(output, "w") as f:
        f.write('    .section .symbols, "a"\n    .balign 8\n    .globl symbol_count, symbol_table, symbol_names\n')
        f.write("symbol_count:\n    .word %d\nsymbol_table:\n" % len(table))
        at = 0
        for address, name in table:
            f.write("    .word %d, %d\n" % (address - start, at))
            at += len(name) + 1
        f.write("symbol_names:\n")
        for _, name in table:
            f.write('    .asciz "%s"\n' % name)
    for other in others:
        if Path(other).read_text() != Path(output).read_text():
            Path(output).unlink()
            sys.exit(f"{elf}: its functions do not lie where {other} says")


if __name__ == "__main__":
    main()
