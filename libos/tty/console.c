/* SPDX-License-Identifier: BSD-2-Clause */
/* The console's line: the kernel's calls, 64 bytes each. */
#include <errno.h>
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/scheduler.h>

#include "../posix/process.h"
#include "../session/apart.h"
#include "terminals.h"

#define CHUNK   64
#define TRIES   64   /* before time is given away */
#define TOUCHES 1000 /* of memory that the kernel finds unmapped */

/* The kernel takes no page fault for us: what it cannot reach is touched, and it is called again. */

long console_send(unsigned channel, const void *bytes, size_t size)
{
    uint8_t chunk[CHUNK];

    size = size < CHUNK ? size : CHUNK;
    if (session_is_apart())
        return channel > 2 ? (long)size : link_send(channel, bytes, size);
    for (unsigned i = 0; i < TOUCHES; i++) {
        memcpy(chunk, bytes, size);
        struct aegis_result r =
            aegis_console_write(AEGIS_SLOT_CONSOLE, channel, (unsigned long)chunk, size);
        if (!r.error)
            return (long)r.value;
        if (r.error == AEGIS_E_AGAIN)
            return -EAGAIN;
        if (r.error != AEGIS_E_BAD_ADDRESS)
            break;
    }
    return -EIO;
}

long console_get(uint8_t *bytes, size_t size)
{
    uint8_t chunk[CHUNK];

    for (unsigned i = 0; i < TOUCHES; i++) {
        memset(chunk, 0, sizeof chunk);
        struct aegis_result r = aegis_console_read(AEGIS_SLOT_CONSOLE, (unsigned long)chunk,
                                                   size < CHUNK ? size : CHUNK);
        if (r.error == AEGIS_E_BAD_ADDRESS)
            continue;
        if (r.error)
            return r.error;
        memcpy(bytes, chunk, r.value);
        return (long)r.value;
    }
    return AEGIS_E_BAD_ADDRESS;
}

void console_put(unsigned channel, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    unsigned tries = 0;

    while (size) {
        long n = console_send(channel, from, size);
        if (n < 0 && n != -EAGAIN)
            return;
        if (n < 0 && ++tries % TRIES == 0)
            thread_yield();
        if (n > 0) {
            from += n;
            size -= (size_t)n;
        }
    }
}

void console_print(unsigned channel, const char *text)
{
    console_put(channel, text, strlen(text));
}

void console_wait(uint64_t seen)
{
    struct aegis_predicate more = {AEGIS_NONE, AEGIS_NE, 8, AEGIS_EXPOSED_OFFSET(input_count),
                                   seen};
    thread_wait(&more, 1, 0);
}

/* A host that does not read blocks the line: we look again each millisecond. */
static bool line_wait(unsigned *tries)
{
    if (++*tries % TRIES)
        return true;
    uint64_t soon = clock_ticks() + AEGIS_EXPOSED_STATE->time_hz / 1000;
    return thread_wait_signal(NULL, 0, soon) != THREAD_WAKE_SIGNAL;
}

ssize_t console_send_all(unsigned channel, const uint8_t *bytes, size_t size)
{
    size_t done = 0;
    unsigned tries = 0;

    while (done < size) {
        long n = console_send(channel, bytes + done, size - done);
        if (n == -EAGAIN) {
            if (!line_wait(&tries))
                return done ? (ssize_t)done : -EINTR;
        } else if (n < 0) {
            return done ? (ssize_t)done : n;
        } else {
            done += (size_t)n;
        }
    }
    return (ssize_t)done;
}

ssize_t console_write_cooked(struct terminal *t, unsigned channel, const uint8_t *bytes,
                             size_t size)
{
    uint8_t cooked[CHUNK] = {0};
    uint8_t ends[CHUNK]; /* where in it each byte's part ends */
    size_t done = 0, room = 0;
    uint32_t column = t->column;

    for (; done < size && room + COOKED_MOST <= sizeof cooked; done++) {
        room += terminal_cook(&t->settings, bytes[done], cooked + room, &column);
        ends[done] = (uint8_t)room;
    }
    ssize_t sent = console_send_all(channel, cooked, room);
    /* several write as they come: the column is a guess, and not worth the monitor */
    t->column = column;
    if (sent == (ssize_t)room || sent < 0)
        return sent < 0 ? sent : (ssize_t)done;
    size_t whole = 0;
    while (whole < done && ends[whole] <= sent)
        whole++;
    return whole ? (ssize_t)whole : -EINTR;
}
