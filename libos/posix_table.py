#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes libos/posix.md from libos/posix.tsv. --check: the file is what would be written, and the archives define what works or works in part,
and nothing that is said to be absent. Lines `ok NAME` and `not ok NAME`."""
import argparse
import subprocess
import sys
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))
from aegis import paths, proc  # noqa: E402

PAGE = HERE / "posix.md"


def table():
    lines = (HERE / "posix.tsv").read_text().splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("#")]


def wrapped(names, width=150):
    line, lines = "", []
    for name in names:
        word = f"`{name}`"
        if len(line) + len(word) > width:
            lines.append(line.rstrip())
            line = ""
        line += word + " "
    return "\n".join([*lines, line.rstrip()])


def page():
    rows = table()
    having = {state: [r for r in rows if r[1] == state] for state in ("works", "macro", "part", "absent")}
    count = {state: len(found) for state, found in having.items()}
    text = ["# POSIX.1-2017, function by function", "",
            f"Of the {len(rows)} functions, macros and variables of the volume on system interfaces, {count['works'] + count['macro']} are here "
            f"whole as far as tests and reading tell, {count['part']} in part, {count['absent']} not at all. `libos/posix_table.py` writes this "
            "page from `posix.tsv` and checks it against what the library really defines; whether they also do what they should is what "
            "`tests/posix` and `tests/libos` ask.", "", "## In part", "", "| function | what is not there |", "|---|---|"]
    text += [f"| `{name}` | {note} |" for name, _, note in having["part"]]
    text += ["", "## Absent", "", "| why | functions |", "|---|---|"]
    by_reason = sorted(having["absent"], key=lambda r: r[2])
    text += [f"| {why} | {' '.join(f'`{r[0]}`' for r in found)} |" for why, found in groupby(by_reason, key=lambda r: r[2])]
    text += ["", "## There", ""]
    there = sorted(having["works"] + having["macro"], key=lambda r: r[0].lstrip("_").lower())
    for _, found in groupby(there, key=lambda r: r[0].lstrip("_")[0].lower()):
        text += [wrapped(r[0] for r in found), ""]
    return "\n".join(text).rstrip() + "\n"


def defined():
    lib = paths.NEWLIB / "riscv64-unknown-elf" / "lib"
    _, out, _ = proc.run([paths.TOOL + "nm", "-g", "--defined-only", paths.LIBAEGIS, lib / "libc.a", lib / "libm.a"], capture=True, check=False)
    return {words[2] for line in out.splitlines() if len(words := line.split()) == 3}


def check():
    symbols = defined()
    failed = 0
    for state, wanted in (("works", True), ("part", True), ("absent", False)):
        wrong = [name for name, s, _ in table() if s == state and (name in symbols) != wanted]
        print(f"{'not ok' if wrong else 'ok'} posix_table_{state} {' '.join(wrong)}".rstrip())
        failed += bool(wrong)
    same = PAGE.exists() and PAGE.read_text() == page()
    print(f"{'ok' if same else 'not ok'} posix_table_page")
    return failed or not same


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="writes nothing; the status says whether all is true")
    if parser.parse_args().check:
        return check()
    PAGE.write_text(page())
    return 0


sys.exit(proc.main(main))
