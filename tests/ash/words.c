/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes words to standard output for a disassembler, and to standard error what the verifier's decoder calls each. */
#include <stdio.h>
#include <stdlib.h>

#include "ash/verify.h"

static const char *const NAMES[] = {
    "-",
#define X(name) #name,
    ASH_INSTRUCTIONS(X)
#undef X
};

/* Behind what may begin a longer instruction there are c.nops, for that to take in. */
static void word(uint32_t w)
{
    static unsigned long at;
    static const uint32_t NOPS[7] = {0x10001, 0x10001, 0x10001, 0x10001, 0x10001, 0x10001, 0x10001};
    size_t nops = (w & 31) == 31 || ((w & 3) != 3 && (w >> 16 & 3) == 3) ? 7 : 0;

    fwrite(&w, 4, 1, stdout);
    fwrite(NOPS, 4, nops, stdout);
    fprintf(stderr, "%lx %s\n", at, NAMES[ash_decode(w)]);
    at += 4 * (1 + nops);
}

static void sweep(void)
{
    static const uint32_t REGISTERS[] = {5 << 7 | 6 << 15 | 7 << 20, 0, 1 << 7 | 10 << 15 | 2 << 20, 31 << 7 | 31 << 15 | 31 << 20};

    for (uint32_t half = 0; half < 1 << 16; half++)
        word(half | 1 << 16); /* a compressed instruction and a c.nop, or the half of a longer one */
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t opcode = 3; opcode < 128; opcode += 4)
            for (uint32_t function = 0; function < 8; function++)
                for (uint32_t seven = 0; seven < 128; seven++)
                    word(opcode | function << 12 | seven << 25 | REGISTERS[i]);
}

/* words [SEED COUNT]: every halfword, a sweep and some at random; or COUNT at random that may be 4 bytes long. */
int main(int count, char **argument)
{
    uint64_t w = count > 1 ? strtoul(argument[1], 0, 0) : 1;

    if (count < 3)
        sweep();
    for (unsigned long i = count < 3 ? 50000 : strtoul(argument[2], 0, 0); i; i--) {
        w = w * 6364136223846793005 + 1442695040888963407;
        word((uint32_t)(w >> 32) | (count < 3 ? 0 : 3));
    }
    return 0;
}
