/* SPDX-License-Identifier: BSD-2-Clause */
#include "console.h"

#include <errno.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/upcall.h>

#include "../../libos/posix/process.h"
#include "../../libos/tty/terminals.h"

#define CHUNK 64

static uint8_t keys[CHUNK]; /* from the line, not yet in the terminal */
static unsigned first, count;
static uint64_t window;      /* as it was last seen */
static uint64_t seen;        /* input_count, likewise */
static uint64_t master_seen; /* of the terminal's channel */

static bool window_step(struct terminal *t)
{
    uint64_t now = AEGIS_EXPOSED_STATE->resize;
    struct winsize size = {.ws_row = (unsigned short)(now >> 32), .ws_col = (unsigned short)now};

    if (now == window)
        return false;
    window = now;
    monitor_enter();
    terminal_resize(t, &size);
    monitor_leave();
    return true;
}

static bool echo_step(struct terminal *t)
{
    uint8_t bytes[CHUNK];

    monitor_enter();
    size_t size = t->flags & TERMINAL_STOPPED ? 0 : terminal_out_peek(t, bytes, sizeof bytes);
    monitor_leave();
    if (!size)
        return false;
    long sent = console_send(terminals()->channel, bytes, size);
    if (sent > 0) {
        monitor_enter();
        /* unless it was flushed meanwhile */
        if (t->out_end - t->out_head >= (uint64_t)sent)
            terminal_out_take(t, (size_t)sent);
        monitor_leave();
    }
    return true;
}

static void input_end(struct terminal *t)
{
    monitor_enter();
    terminal_release(t);
    session_set(t->flags, t->flags | TERMINAL_OVER);
    channel_wake(&t->input);
    monitor_leave();
}

static bool input_step(struct terminal *t)
{
    if (t->flags & TERMINAL_OVER)
        return false;
    if (!count && terminal_takes(t)) {
        seen = AEGIS_EXPOSED_STATE->input_count;
        long n = console_get(keys, sizeof keys);
        if (n == 0)
            input_end(t);
        first = 0;
        count = n > 0 ? (unsigned)n : 0;
    }
    if (!count && !t->work)
        return false;
    monitor_enter();
    size_t taken = terminal_input(t, keys + first, count);
    bool more = terminal_takes(t);
    monitor_leave();
    first += (unsigned)taken;
    count -= (unsigned)taken;
    return taken || more;
}

/* Streams that are no terminal are read by whoever wants them; who polls hears that there is more.
 */
static bool stream_step(void)
{
    struct terminals *all = terminals();
    uint64_t taken = AEGIS_EXPOSED_STATE->input_taken;

    seen = AEGIS_EXPOSED_STATE->input_count;
    if (seen == taken || !__atomic_exchange_n(&all->polled, 0, __ATOMIC_SEQ_CST))
        return false;
    channel_wake(&all->input);
    return true;
}

bool console_pump(void)
{
    struct terminals *all = terminals();
    struct terminal *t = all->terminal[0];

    if (!t)
        return stream_step();
    master_seen = channel_seen(&t->master);
    bool more = window_step(t);
    more |= echo_step(t);
    more |= all->stream[0] == STREAM_TERMINAL ? input_step(t) : stream_step();
    return more;
}

static unsigned exposed(struct aegis_predicate *p, uint32_t offset, uint64_t value)
{
    *p = (struct aegis_predicate){AEGIS_NONE, AEGIS_NE, 8, offset, value};
    return 1;
}

unsigned console_predicates(struct aegis_predicate predicates[CONSOLE_PREDICATES])
{
    struct terminal *t = terminals()->terminal[0];
    bool keyed = t && terminals()->stream[0] == STREAM_TERMINAL;
    unsigned n = 0;

    if (keyed ? !(t->flags & TERMINAL_OVER) && !count : terminals()->polled)
        n += exposed(&predicates[n], AEGIS_EXPOSED_OFFSET(input_count), seen);
    if (!t)
        return n;
    n += exposed(&predicates[n], AEGIS_EXPOSED_OFFSET(resize), window);
    channel_bind(&t->master, master_seen, &predicates[n++]);
    return n;
}
