/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments, likely and unlikely; how a mistake is told. */
#include "model.h"

/* ---- failure ---- */

struct traced trace[TRACE];

const char *const names[] = {
#define CALL(number, name, count, arguments, errors, sentence) [number] = #name,
#include <aegis/calls.def>
#undef CALL
};

void fail(const char *why)
{
    for (uint64_t i = calls > TRACE ? calls - TRACE : 0; i < calls; i++)
        printf("  %lu: [%d on %u] %s(%lx, %lx, %lx, %lx, %lx) = %ld, %lx\n", trace[i % TRACE].n, trace[i % TRACE].who,
               trace[i % TRACE].hart, names[trace[i % TRACE].number], trace[i % TRACE].x[0], trace[i % TRACE].x[1],
               trace[i % TRACE].x[2], trace[i % TRACE].x[3], trace[i % TRACE].x[4], trace[i % TRACE].error,
               trace[i % TRACE].value);
    printf("  seed %lu, call %lu: %s\n", first_seed, calls, why);
    printf("not ok model seed %lu\n", first_seed);
    exit(1);
}

/* ---- chance ---- */

uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1d;
}

unsigned below(unsigned n)
{
    return (unsigned)((random64() >> 32) % n);
}

bool chance(unsigned one_in)
{
    return below(one_in) == 0;
}

unsigned long hostile(void)
{
    static const unsigned long odd[] = {~0UL, 1UL << 63, 1UL << 32, 0xffffffff, 0x8000, AEGIS_NONE, 256, 257, 4096, 1UL << 38};
    return chance(3) ? random64() : odd[below(sizeof odd / sizeof odd[0])];
}

unsigned long some_slot(void)
{
    return chance(40) ? hostile() : chance(3) ? below(SLOTS) : below(48);
}

static const unsigned long places[] = {0x200000, 0x201000, 0x202000, 0x204000, 0x208000, 0x210000, 0x3ff000, 0x400000, 0x401000,
                                       0x600000, 0x800000, 0xa00000, 0xc00000, 0x40200000, 0x40201000, AEGIS_PINNED + 0x8000,
                                       AEGIS_PINNED + 0x9000, AEGIS_PINNED + 0x3f000};

unsigned long some_va(void)
{
    static const unsigned long bad[] = {0, AEGIS_PINNED, AEGIS_PINNED + 0x40000, AEGIS_PINNED + 0x100000, AEGIS_EXPOSED, 0x80200000, ~0xfffUL, 0x1fffff000};
    if (chance(16))
        return chance(2) ? bad[below(sizeof bad / sizeof bad[0])] : hostile() & ~0xfffUL;
    return places[below(sizeof places / sizeof places[0])];
}
