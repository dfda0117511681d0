# SPDX-License-Identifier: BSD-2-Clause
"""listing.py OURS < THEIRS: aegis-filter's instructions against objdump's of the same words, branches by how far they go."""
import re
import sys

ALIASES = {"jr": "jalr"}


def theirs(text):
    found = []
    for at, word, name, operands in re.findall(r"^ +(\w+):\t(\w{8}) +\t(\S+)(?:\t([^<#\n]*))?", text, re.M):
        parts = [p.strip() for p in operands.split(",")]
        if re.match(r"b(eq|ne|ltu|geu)$", name):
            parts[-1] = str(int(parts[-1], 16) - int(at, 16))
        if name == "jalr":
            parts = [parts[-1].removeprefix("0(").removesuffix(")")]
        found.append((word, name, [number(p) for p in parts]))
    return found


def number(text):
    try:
        return str(int(text, 0))
    except ValueError:
        return text


def ours(text):
    return [(word, ALIASES.get(name, name), [number(p.strip()) for p in operands.split(",")])
            for word, name, operands in re.findall(r"^ +\d+ +(\w{8}) +(\S+) +(.*)$", text, re.M)]


def main():
    mine, other = ours(open(sys.argv[1], encoding="ascii").read()), theirs(sys.stdin.read())
    wrong = [(a, b) for a, b in zip(mine, other) if a != b]
    for pair in wrong[:5]:
        print(*pair)
    return len(mine) < 50 or len(mine) != len(other) or bool(wrong)


sys.exit(main())
