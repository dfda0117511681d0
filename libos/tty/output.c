/* SPDX-License-Identifier: BSD-2-Clause */
/* Output: what a byte becomes on the screen, and the ring towards the other end. */
#include <string.h>

#include "terminal.h"

static size_t cook_newline(const struct termios *s, uint8_t *out, uint32_t *column)
{
    size_t n = 0;

    if (s->c_oflag & (ONLCR | ONLRET))
        *column = 0;
    if (s->c_oflag & ONLCR)
        out[n++] = '\r';
    out[n++] = '\n';
    return n;
}

static size_t cook_return(const struct termios *s, uint8_t *out, uint32_t *column)
{
    if ((s->c_oflag & ONOCR) && *column == 0)
        return 0;
    if (!(s->c_oflag & OCRNL) || (s->c_oflag & ONLRET))
        *column = 0;
    out[0] = s->c_oflag & OCRNL ? '\n' : '\r';
    return 1;
}

static size_t cook_tab(const struct termios *s, uint8_t *out, uint32_t *column)
{
    size_t spaces = 8 - *column % 8;

    *column += (uint32_t)spaces;
    if ((s->c_oflag & TABDLY) == TAB3) {
        memset(out, ' ', spaces);
        return spaces;
    }
    out[0] = '\t';
    return 1;
}

static bool takes_column(const struct termios *s, uint8_t byte)
{
    if (byte < 0x20 || byte == 0x7f)
        return false;
    return !((s->c_iflag & IUTF8) && (byte & 0xc0) == 0x80);
}

size_t terminal_cook(const struct termios *s, uint8_t byte, uint8_t *out, uint32_t *column)
{
    out[0] = byte;
    if (!(s->c_oflag & OPOST))
        return 1;
    switch (byte) {
    case '\n':
        return cook_newline(s, out, column);
    case '\r':
        return cook_return(s, out, column);
    case '\t':
        return cook_tab(s, out, column);
    case '\b':
        *column -= *column > 0;
        return 1;
    }
    if ((s->c_oflag & OLCUC) && byte >= 'a' && byte <= 'z')
        out[0] = byte - 'a' + 'A';
    *column += takes_column(s, byte);
    return 1;
}

static size_t out_room(const struct terminal *t)
{
    return TERMINAL_RING - (t->out_end - t->out_head);
}

size_t terminal_output(struct terminal *t, const uint8_t *bytes, size_t count)
{
    uint64_t end = t->out_end;
    uint32_t column = t->column;
    size_t done;

    for (done = 0; done < count && TERMINAL_RING - (end - t->out_head) >= COOKED_MOST; done++) {
        uint8_t cooked[COOKED_MOST];
        size_t n = terminal_cook(&t->settings, bytes[done], cooked, &column);
        for (size_t i = 0; i < n; i++)
            t->out[end++ % TERMINAL_RING] = cooked[i];
    }
    if (done) {
        session_set(t->out_end, end);
        session_set(t->column, column);
        channel_wake(&t->master);
    }
    return done;
}

void terminal_send(struct terminal *t, uint8_t byte)
{
    if (!byte || !out_room(t))
        return;
    t->out[t->out_end % TERMINAL_RING] = byte;
    session_set(t->out_end, t->out_end + 1);
    channel_wake(&t->master);
}

size_t terminal_out_peek(const struct terminal *t, uint8_t *to, size_t size)
{
    size_t n = 0;

    for (uint64_t at = t->out_head; at != t->out_end && n < size; at++)
        to[n++] = t->out[at % TERMINAL_RING];
    return n;
}

void terminal_out_take(struct terminal *t, size_t count)
{
    session_set(t->out_head, t->out_head + count);
    channel_wake(&t->output);
}

void terminal_flush_output(struct terminal *t)
{
    session_set(t->out_head, t->out_end);
    channel_wake(&t->output);
}

void terminal_hold(struct terminal *t, bool stop)
{
    uint32_t flags = stop ? t->flags | TERMINAL_STOPPED : t->flags & ~(uint32_t)TERMINAL_STOPPED;

    if (flags == t->flags)
        return;
    session_set(t->flags, flags);
    channel_wake(&t->output);
    channel_wake(&t->master);
}
