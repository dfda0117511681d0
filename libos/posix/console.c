/* SPDX-License-Identifier: BSD-2-Clause */
/* The console's calls. Bytes pass through pinned memory: the kernel takes no page fault for us. */
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>
#include <aegis/scheduler.h>

#include "../vm/vm.h"
#include "process.h"

#define CHUNK 64
#define TRIES 256 /* before the slot is given away */

static PINNED_BSS uint8_t bounce[CHUNK];

void console_put(unsigned channel, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    unsigned tries = 0;

    while (size) {
        size_t n = size < CHUNK ? size : CHUNK;
        memcpy(bounce, from, n);
        struct aegis_result r =
            aegis_console_write(AEGIS_SLOT_CONSOLE, channel, (unsigned long)bounce, n);
        if (r.error && r.error != AEGIS_E_AGAIN)
            return;
        if (r.error) {
            if (++tries % TRIES == 0)
                thread_yield();
            continue;
        }
        from += r.value;
        size -= r.value;
    }
}

void console_print(unsigned channel, const char *text)
{
    console_put(channel, text, strlen(text));
}

long console_get(uint8_t *bytes, size_t size)
{
    struct aegis_result r =
        aegis_console_read(AEGIS_SLOT_CONSOLE, (unsigned long)bounce, size < CHUNK ? size : CHUNK);
    if (r.error)
        return r.error;
    memcpy(bytes, bounce, r.value);
    return (long)r.value;
}

void console_wait(uint64_t seen)
{
    struct aegis_predicate more = {AEGIS_NONE, AEGIS_NE, 8, AEGIS_EXPOSED_OFFSET(input_count),
                                   seen};
    thread_wait(&more, 1, 0);
}
