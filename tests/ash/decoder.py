# SPDX-License-Identifier: BSD-2-Clause
"""Compares the verifier's decoder with a disassembly: decoder.py NAMES < objdump's output. Its lines are test results."""
import re
import sys

LINE = re.compile(r"^\s*([0-9a-f]+):\s+([0-9a-f]+)\s+(\S+)")


def name_of(mnemonic):
    """As verify.h calls it."""
    if mnemonic.startswith("amo"):
        return "amo_" + mnemonic.split(".")[1]
    return mnemonic


def main():
    ours_at = [line.split() for line in open(sys.argv[1])]
    known = {name for _, name in ours_at} - {"-"}
    theirs = {}
    for line in sys.stdin:
        if found := LINE.match(line):
            digits, mnemonic = found[2], found[3]
            theirs[int(found[1], 16)] = (name_of(mnemonic) if len(digits) == 8 else "compressed", digits, mnemonic)
    wrong, accepted = [], 0
    for at, ours in ours_at:
        name, digits, mnemonic = theirs.get(int(at, 16), ("inside another", at, ""))
        if ours != "-":
            accepted += 1
            if ours != name:
                wrong.append(f"{digits} is {mnemonic}, taken for {ours}")
        elif name in known:
            wrong.append(f"{digits} is {mnemonic}, refused")
    for text in wrong[:20]:
        print("#", text)
    print(f"# {len(ours_at)} words, {accepted} taken")
    print("not ok" if wrong else "ok", "the decoder and binutils agree on every halfword and a sweep of words")
    print("ok" if len(known) > 60 and accepted > 10000 else "not ok", "every instruction of the list was among them")


main()
