#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The manual's tables of calls and errors, from calls.def and errors.def.

manual.py           writes exokernel/calls.md
manual.py --check   status 1 when that file is not what the definitions say
"""
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFINITIONS = HERE / "include/aegis"
MANUAL = HERE / "calls.md"
CALL = re.compile(r'^CALL\((\d+), (\w+), \d, \((.*?)\), "(.*?)", "(.*)"\)$', re.M)
ERROR = re.compile(r'^ERROR\((\w+), (-?\d+), "(.*)"\)$', re.M)


def manual():
    out = ["# Calls and errors", "",
           "Made by `exokernel/manual.py` from `include/aegis/calls.def` and `errors.def`; a test holds it to them.",
           "The number is in a7, arguments in a0 to a4; a0 comes back as the error, a1 as the value. A negative number is a",
           "protected control transfer (`core/pct.h`).", "",
           "| number | call | errors | what it does |", "|---:|---|---|---|"]
    for number, name, arguments, errors, sentence in CALL.findall((DEFINITIONS / "calls.def").read_text()):
        out.append(f"| {number} | `{name}({arguments})` | {errors or 'none'} | {sentence} |")
    out += ["", "| error | value | meaning |", "|---|---:|---|"]
    for name, value, sentence in ERROR.findall((DEFINITIONS / "errors.def").read_text()):
        out.append(f"| {name} | {value} | {sentence} |")
    return "\n".join(out) + "\n"


def main():
    if sys.argv[1:] == ["--check"]:
        good = MANUAL.exists() and MANUAL.read_text() == manual()
        print("ok calls.md" if good else "not ok calls.md - run exokernel/manual.py")
        return 0 if good else 1
    if sys.argv[1:]:
        print(__doc__)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    MANUAL.write_text(manual())
    return 0


sys.exit(main())
