/* SPDX-License-Identifier: BSD-2-Clause */
/* What an environment says when it can do nothing else any more. Pinned, and without anything that
 * could fail. */
#include "last_words.h"

#include <aegis/aegis.h>
#include <aegis/exposed.h>

static PINNED_OWN char line[64];

PINNED_CODE static unsigned put_text(unsigned at, const char *text)
{
    while (*text && at < sizeof line)
        line[at++] = *text++;
    return at;
}

PINNED_CODE static unsigned put_hex(unsigned at, uint64_t value)
{
    for (int shift = 36; shift >= 0; shift -= 4) {
        unsigned digit = value >> shift & 15;
        if (at < sizeof line)
            line[at++] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
    }
    return at;
}

PINNED_CODE void last_words(const char *what, uint64_t pc, uint64_t address)
{
    unsigned size = put_text(0, what);
    size = put_hex(size, pc);
    size = put_text(size, PINNED_TEXT(" address "));
    size = put_hex(size, address);
    size = put_text(size, PINNED_TEXT("\n"));
    aegis_console_write(AEGIS_SLOT_CONSOLE, 2, (unsigned long)line, size);
    /* Nobody has said goodbye for us: we end by a fault in the nested-fault handler, so that it is
     * seen from outside. */
    __asm__ volatile("sd %0, %1(gp)\n\tlb zero, 0(zero)" : : "r"(AEGIS_MASKED_NESTED), "i"(U_MASKED));
    for (;;)
        aegis_env_destroy(AEGIS_SLOT_SELF);
}
