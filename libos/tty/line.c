/* SPDX-License-Identifier: BSD-2-Clause */
/* What a byte from the keyboard does: flow control, signals, mapping, editing, echo. */
#include <signal.h>

#include "terminal.h"

#define DELETE 0x7f

static bool has(const struct terminal *t, tcflag_t local)
{
    return (t->settings.c_lflag & local) == local;
}

/* Whether a byte is the control character `index`; 0 disables one. */
static bool is(const struct terminal *t, uint8_t byte, unsigned index)
{
    return byte && t->settings.c_cc[index] == byte;
}

static uint8_t cell(const struct terminal *t, uint64_t at)
{
    return (uint8_t)t->cells[at % TERMINAL_RING];
}

static bool continues(const struct terminal *t, uint8_t byte)
{
    return (t->settings.c_iflag & IUTF8) && (byte & 0xc0) == 0x80;
}

static bool shown_as_two(const struct terminal *t, uint8_t byte)
{
    return has(t, ECHOCTL) && (byte < ' ' || byte == DELETE) && byte != '\t' && byte != '\n';
}

/* ---- echo; what finds no room is not shown ---- */

static void show(struct terminal *t, const char *text, size_t size)
{
    terminal_output(t, (const uint8_t *)text, size);
}

static void show_byte(struct terminal *t, uint8_t byte)
{
    if (shown_as_two(t, byte)) {
        show(t, "^", 1);
        byte ^= 0x40;
    }
    terminal_output(t, &byte, 1);
}

static void echo(struct terminal *t, uint8_t byte)
{
    if (!has(t, ECHO) && !(byte == '\n' && has(t, ECHONL | ICANON)))
        return;
    if (t->end == t->line)
        session_set(t->line_column, t->column);
    show_byte(t, byte);
}

static void rub_out(struct terminal *t, unsigned columns)
{
    while (columns--)
        show(t, "\b \b", 3);
}

#define TAB_LOOKS_BACK 512

/* Columns that the tab at `at` took: by what stands before it, as far back as another tab. */
static unsigned tab_columns(const struct terminal *t, uint64_t at)
{
    unsigned before = 0, looked = 0;

    while (at != t->line && looked++ < TAB_LOOKS_BACK) {
        uint8_t byte = cell(t, --at);
        if (byte == '\t')
            return 8 - before % 8;
        if (!continues(t, byte))
            before += shown_as_two(t, byte) ? 2 : 1;
    }
    return 8 - (t->line_column + before) % 8;
}

static unsigned columns_of(const struct terminal *t, uint8_t byte, uint64_t at)
{
    if (byte == '\t')
        return tab_columns(t, at);
    if (shown_as_two(t, byte))
        return 2;
    return byte >= ' ' && byte != DELETE;
}

/* ---- the ring ---- */

static bool full(const struct terminal *t)
{
    return t->end - t->head >= TERMINAL_RING;
}

static void put(struct terminal *t, uint16_t value)
{
    /* logged, for it may have been erased in this stay: then it would have to come back */
    session_set(t->cells[t->end % TERMINAL_RING], value);
    session_set(t->end, t->end + 1);
}

/* What was put can be read from now on. */
static void commit(struct terminal *t, bool mark)
{
    if (mark)
        session_set(t->marks, t->marks + 1);
    session_set(t->line, t->end);
    channel_wake(&t->input);
}

static void end_line(struct terminal *t, uint16_t value)
{
    if (full(t))
        return;
    put(t, value | CELL_END);
    commit(t, true);
}

/* An ordinary byte. A line leaves a cell for its end. */
static void store(struct terminal *t, uint8_t byte)
{
    bool lines = has(t, ICANON);
    size_t most = lines ? TERMINAL_RING - 1 : TERMINAL_RING;

    if (t->end - t->head >= most) {
        if (t->settings.c_iflag & IMAXBEL)
            show(t, "\a", 1);
        return;
    }
    echo(t, byte);
    put(t, byte | (!lines && byte == '\n' ? CELL_END : 0));
    if (!lines)
        commit(t, byte == '\n');
}

static void store_marked(struct terminal *t, uint8_t byte)
{
    /* PARMRK doubles what would else begin a mark */
    if (byte == 0xff && (t->settings.c_iflag & (PARMRK | ISTRIP)) == PARMRK)
        store(t, byte);
    store(t, byte);
}

/* ---- editing ---- */

static void erase_one(struct terminal *t)
{
    uint64_t at = t->end;
    uint8_t byte;

    do {
        byte = cell(t, --at);
    } while (continues(t, byte) && at != t->line);
    session_set(t->end, at);
    if (!has(t, ECHO))
        return;
    if (has(t, ECHOE))
        rub_out(t, columns_of(t, byte, at));
    else
        show_byte(t, t->settings.c_cc[VERASE]);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static void work_begin(struct terminal *t, enum terminal_work work)
{
    session_set(t->work, (uint32_t)work);
}

static void kill_line(struct terminal *t)
{
    if (has(t, ECHO | ECHOE | ECHOK | ECHOKE)) {
        work_begin(t, WORK_ERASE_LINE);
        return;
    }
    session_set(t->end, t->line);
    if (!has(t, ECHO))
        return;
    show_byte(t, t->settings.c_cc[VKILL]);
    if (has(t, ECHOK))
        show(t, "\n", 1);
}

static void reprint(struct terminal *t)
{
    show_byte(t, t->settings.c_cc[VREPRINT]);
    show(t, "\n", 1);
    session_set(t->line_column, 0);
    session_set(t->reprint, t->line);
    work_begin(t, WORK_REPRINT);
}

/* One character's worth of what was begun. */
static void work_step(struct terminal *t)
{
    bool empty = t->end == t->line, blank = !empty && is_blank(cell(t, t->end - 1));

    if (t->work == WORK_REPRINT) {
        if (t->reprint == t->end) {
            work_begin(t, WORK_NONE);
            return;
        }
        show_byte(t, cell(t, t->reprint));
        session_set(t->reprint, t->reprint + 1);
    } else if (empty || (t->work == WORK_ERASE_WORD && blank)) {
        work_begin(t, WORK_NONE);
    } else {
        if (t->work == WORK_ERASE_BLANKS && !blank)
            work_begin(t, WORK_ERASE_WORD);
        erase_one(t);
    }
}

/* Keys that work when lines are edited. */
static bool edit(struct terminal *t, uint8_t byte)
{
    if (is(t, byte, VERASE)) {
        if (t->end != t->line)
            erase_one(t);
    } else if (is(t, byte, VKILL)) {
        kill_line(t);
    } else if (is(t, byte, VEOF)) {
        end_line(t, CELL_EOF);
    } else if (byte == '\n' || is(t, byte, VEOL) || (has(t, IEXTEN) && is(t, byte, VEOL2))) {
        echo(t, byte);
        end_line(t, byte);
    } else if (!has(t, IEXTEN)) {
        return false;
    } else if (is(t, byte, VWERASE)) {
        work_begin(t, WORK_ERASE_BLANKS);
    } else if (is(t, byte, VREPRINT) && has(t, ECHO)) {
        reprint(t);
    } else {
        return false;
    }
    return true;
}

/* ---- flow and signals ---- */

static bool flow(struct terminal *t, uint8_t byte)
{
    if (!(t->settings.c_iflag & IXON))
        return false;
    if (is(t, byte, VSTART)) {
        terminal_hold(t, false);
        return true;
    }
    if (is(t, byte, VSTOP)) {
        terminal_hold(t, true);
        return true;
    }
    if (t->settings.c_iflag & IXANY)
        terminal_hold(t, false);
    return false;
}

static int signal_of(const struct terminal *t, uint8_t byte)
{
    if (!has(t, ISIG))
        return 0;
    return is(t, byte, VINTR)   ? SIGINT
           : is(t, byte, VQUIT) ? SIGQUIT
           : is(t, byte, VSUSP) ? SIGTSTP
                                : 0;
}

static void interrupt(struct terminal *t, uint8_t byte, int signal)
{
    if (!has(t, NOFLSH)) {
        terminal_flush_input(t);
        if (signal != SIGTSTP)
            terminal_flush_output(t);
    }
    terminal_hold(t, false);
    if (has(t, ECHO))
        show_byte(t, byte);
    terminal_signal(t, signal);
}

/* ---- a byte ---- */

/* Newlines and cases as c_iflag says; -1: dropped. */
static int map(const struct terminal *t, uint8_t byte)
{
    tcflag_t in = t->settings.c_iflag;

    if (byte == '\r')
        return in & IGNCR ? -1 : in & ICRNL ? '\n' : '\r';
    if (byte == '\n')
        return in & INLCR ? '\r' : '\n';
    if ((in & IUCLC) && has(t, IEXTEN) && byte >= 'A' && byte <= 'Z')
        return byte - 'A' + 'a';
    return byte;
}

static void literal_next(struct terminal *t)
{
    session_set(t->flags, t->flags | TERMINAL_LITERAL);
    if (has(t, ECHO | ECHOCTL))
        show(t, "^\b", 2);
}

static void input(struct terminal *t, uint8_t byte)
{
    if (!(t->settings.c_cflag & CREAD))
        return;
    if (t->settings.c_iflag & ISTRIP)
        byte &= 0x7f;
    if (t->flags & TERMINAL_LITERAL) {
        session_set(t->flags, t->flags & ~(uint32_t)TERMINAL_LITERAL);
        store_marked(t, byte);
        return;
    }
    if (flow(t, byte))
        return;
    int signal = signal_of(t, byte);
    if (signal) {
        interrupt(t, byte, signal);
        return;
    }
    int mapped = map(t, byte);
    if (mapped < 0)
        return;
    if (has(t, ICANON | IEXTEN) && is(t, (uint8_t)mapped, VLNEXT))
        literal_next(t);
    else if (!has(t, ICANON) || !edit(t, (uint8_t)mapped))
        store_marked(t, (uint8_t)mapped);
}

/* What needs no place in the ring. */
static bool needs_none(const struct terminal *t, uint8_t byte)
{
    if (t->flags & TERMINAL_LITERAL)
        return false;
    if ((t->settings.c_iflag & IXON) && (is(t, byte, VSTART) || is(t, byte, VSTOP)))
        return true;
    return signal_of(t, byte) != 0;
}

/* Room for two, for PARMRK; a line that nobody can read yet must not wait for its reader. */
bool terminal_takes(const struct terminal *t)
{
    return t->work || t->end - t->head < TERMINAL_RING - 2 || (has(t, ICANON) && !t->marks);
}

static void hold_sender(struct terminal *t)
{
    if (!(t->settings.c_iflag & IXOFF) || (t->flags & TERMINAL_HELD) ||
        t->end - t->head < TERMINAL_RING * 3 / 4)
        return;
    session_set(t->flags, t->flags | TERMINAL_HELD);
    terminal_send(t, t->settings.c_cc[VSTOP]);
}

size_t terminal_input(struct terminal *t, const uint8_t *bytes, size_t count)
{
    size_t done = 0;

    for (unsigned step = 0; step < INPUT_STEP; step++) {
        if (t->work)
            work_step(t);
        else if (done < count && (terminal_takes(t) || needs_none(t, bytes[done])))
            input(t, bytes[done++]);
        else
            break;
    }
    hold_sender(t);
    return done;
}

/* ---- settings ---- */

void terminal_defaults(struct terminal *t)
{
    static const struct termios settings = {
        .c_iflag = BRKINT | ICRNL | IXON | IMAXBEL | IUTF8,
        .c_oflag = OPOST | ONLCR,
        .c_cflag = CREAD | CS8 | HUPCL | CLOCAL | B38400,
        .c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE,
        .c_cc = {[VINTR] = 3, [VQUIT] = 28, [VERASE] = DELETE, [VKILL] = 21, [VEOF] = 4,
                 [VMIN] = 1, [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18,
                 [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22},
        .c_ispeed = B38400,
        .c_ospeed = B38400,
    };
    session_store(&t->settings, &settings, sizeof settings);
}

void terminal_flush_input(struct terminal *t)
{
    session_set(t->head, t->end);
    session_set(t->line, t->end);
    session_set(t->marks, 0);
    session_set(t->work, WORK_NONE);
    session_set(t->flags, t->flags & ~(uint32_t)TERMINAL_LITERAL);
    channel_wake(&t->master);
}

/* What came byte by byte, or is the beginning of a line, becomes readable as it is. */
void terminal_release(struct terminal *t)
{
    uint16_t *last = &t->cells[(t->end - 1) % TERMINAL_RING];

    if (t->end == t->head || (*last & CELL_END))
        return;
    session_set(*last, *last | CELL_END);
    commit(t, true);
}

void terminal_set(struct terminal *t, const struct termios *settings)
{
    tcflag_t changed = t->settings.c_lflag ^ settings->c_lflag;

    if (changed & ICANON) {
        session_set(t->work, WORK_NONE);
        if (settings->c_lflag & ICANON)
            terminal_release(t);
        session_set(t->line, t->end);
    }
    session_store(&t->settings, settings, sizeof *settings);
    if (!(settings->c_iflag & IXON))
        terminal_hold(t, false);
    channel_wake(&t->input);
    channel_wake(&t->master);
}
