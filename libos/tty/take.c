/* SPDX-License-Identifier: BSD-2-Clause */
/* What a read gets: a line, or bytes by count and time. */
#include "terminal.h"

static enum terminal_verdict look_line(const struct terminal *t)
{
    if (t->marks)
        return TAKE_NOW;
    return t->flags & TERMINAL_OVER ? TAKE_NOTHING : TAKE_WAIT;
}

/* VMIN 0: at once, or VTIME after the call began. */
static enum terminal_verdict look_time(const struct terminal *t, struct terminal_reading *r,
                                       bool first)
{
    if (t->end != t->head)
        return TAKE_NOW;
    if (first)
        r->deadline = r->now + t->settings.c_cc[VTIME] * r->tenth;
    return t->flags & TERMINAL_OVER || r->now >= r->deadline ? TAKE_NOTHING : TAKE_WAIT;
}

/* VMIN bytes; or, once one is there, VTIME after the last. */
static enum terminal_verdict look_count(const struct terminal *t, struct terminal_reading *r,
                                        bool first)
{
    uint64_t available = t->end - t->head;
    size_t wanted = t->settings.c_cc[VMIN];

    if (available >= wanted || available >= r->size)
        return TAKE_NOW;
    if (t->flags & TERMINAL_OVER)
        return available ? TAKE_NOW : TAKE_NOTHING;
    if (!available || !t->settings.c_cc[VTIME]) {
        r->deadline = 0;
        return TAKE_WAIT;
    }
    if (first || !r->deadline || t->end != r->seen)
        r->deadline = r->now + t->settings.c_cc[VTIME] * r->tenth;
    r->seen = t->end;
    return r->now >= r->deadline ? TAKE_NOW : TAKE_WAIT;
}

enum terminal_verdict terminal_look(const struct terminal *t, struct terminal_reading *r)
{
    bool first = !r->begun;

    r->begun = true;
    if (t->settings.c_lflag & ICANON) {
        r->deadline = 0;
        return look_line(t);
    }
    return t->settings.c_cc[VMIN] ? look_count(t, r, first) : look_time(t, r, first);
}

struct terminal_piece terminal_peek(const struct terminal *t, uint8_t *to, size_t size)
{
    bool lines = t->settings.c_lflag & ICANON;
    struct terminal_piece p = {.next = t->head};

    while (p.next != t->end && !p.whole && (t->marks || !lines)) {
        uint16_t cell = t->cells[p.next % TERMINAL_RING];
        /* an end of file that follows what fills the buffer goes with it: it ended that */
        if (p.bytes == size && !(cell & CELL_EOF))
            break;
        if (!(cell & CELL_EOF))
            to[p.bytes++] = (uint8_t)cell;
        p.marks += (cell & CELL_END) != 0;
        p.whole = lines && (cell & CELL_END);
        p.next++;
    }
    return p;
}

void terminal_take(struct terminal *t, const struct terminal_piece *piece)
{
    session_set(t->head, piece->next);
    session_set(t->marks, t->marks - piece->marks);
    if ((t->flags & TERMINAL_HELD) && t->end - t->head < TERMINAL_RING / 4) {
        session_set(t->flags, t->flags & ~(uint32_t)TERMINAL_HELD);
        terminal_send(t, t->settings.c_cc[VSTART]);
    }
    channel_wake(&t->master);
}

size_t terminal_readable(const struct terminal *t)
{
    bool lines = t->settings.c_lflag & ICANON;
    size_t count = 0;

    for (uint64_t at = t->head, marks = t->marks; at != t->end && (marks || !lines); at++) {
        uint16_t cell = t->cells[at % TERMINAL_RING];
        marks -= (cell & CELL_END) != 0;
        count += !(cell & CELL_EOF);
    }
    return count;
}
