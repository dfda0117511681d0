# SPDX-License-Identifier: BSD-2-Clause
"""random_bpf.py SEED: a random eBPF program as assembly: r0 to r8 out of the frame, operations of every kind, and back."""
import random
import struct
import sys

OPERATIONS = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]
JUMPS = [1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13]
SIZES = {0x10: 1, 0x08: 2, 0x00: 4, 0x18: 8}


def insn(code, dst=0, src=0, offset=0, imm=0):
    return struct.unpack("<Q", struct.pack("<BBhi", code, dst | src << 4, offset, imm))[0]


def number(r):
    return r.choice([0, 1, -1, 2, 7, 31, 32, 63, 64, 255, -128, 0x7fffffff, -0x80000000, r.randrange(-1 << 31, 1 << 31)])


def place(r):
    size = r.choice(list(SIZES))
    return size, -64 + SIZES[size] * r.randrange(56 // SIZES[size])


def one(r):
    """Words of one operation."""
    dst, src, kind = r.randrange(9), r.randrange(9), r.randrange(12)
    if kind < 6:
        operation, group, by = r.choice(OPERATIONS), r.choice([4, 7]), r.choice([0, 8])
        offset = r.choice([0, 1]) if operation in (3, 9) else 0
        if operation == 11 and by:
            offset = r.choice([0, 8, 16] + ([32] if group == 7 else []))
        return [insn(operation << 4 | by | group, dst, src if by else 0, offset, 0 if by else number(r))]
    if kind == 6:
        return [insn(r.choice([0xd4, 0xdc, 0xd7]), dst, 0, 0, r.choice([16, 32, 64]))]
    if kind == 7:
        return [insn(0x80 | r.choice([4, 7]), dst)]
    if kind == 8:
        return [insn(0x18, dst, 0, 0, number(r)), insn(0, 0, 0, 0, number(r))]
    size, at = place(r)
    if kind == 9:
        return [insn(0x63 | size, 10, src, at) if r.randrange(2) else insn(0x62 | size, 10, 0, at, number(r))]
    if kind == 10:
        return [insn(0x61 | size, dst, 10, at)] if size == 0x18 or r.randrange(2) else [insn(0x81 | size, dst, 10, at)]
    size = r.choice([0x00, 0x18])
    return [insn(0xc3 | size, 10, src, -64 + 8 * r.randrange(7), r.choice([0, 0x40, 0x50, 0xa0, 1, 0x41, 0x51, 0xa1, 0xe1]))]


def jump(r, over):
    by = r.choice([0, 8])
    return insn(r.choice(JUMPS) << 4 | by | r.choice([5, 6]), r.randrange(9), r.randrange(9) if by else 0, over, 0 if by else number(r))


def main():
    r = random.Random(int(sys.argv[1]))
    words = [insn(0x61, 9, 1, 0), insn(0x7b, 10, 9, -8)]
    words += [insn(0x79, n, 9, 14 + 8 * n) for n in range(9)]
    words += [insn(0x7b, 10, n, -64 + 8 * n) for n in range(7)]
    for _ in range(250):
        block = [w for _ in range(r.randrange(1, 4)) for w in one(r)]
        if r.randrange(4) == 0:
            block.insert(0, jump(r, len(block)))
        words += block
    words += [insn(0x79, 9, 10, -8)]
    words += [insn(0x7b, 9, n, 14 + 8 * n) for n in range(9)]
    words += [insn(0xb7, 0, 0, 0, 2), insn(0x95)]
    print('.section xdp,"ax",@progbits\n.globl program\nprogram:')
    for w in words:
        print(f".quad {w:#x}")


main()
