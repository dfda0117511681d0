/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: libos/tty/line.c libos/tty/output.c libos/tty/take.c */
/* flags: -D_GNU_SOURCE */
#include "../../libos/tty/terminal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

/* ---- a monitor that can be killed at any store ---- */

static struct session_store logged[SESSION_LOG];
static size_t logged_count, die_at;
static jmp_buf death;
static int signals[64];
static unsigned wakes;

void session_log(const volatile void *at)
{
    uint64_t *word = (uint64_t *)((uintptr_t)at & ~7UL);

    if (logged_count == SESSION_LOG)
        abort();
    if (die_at && logged_count + 1 == die_at)
        longjmp(death, 1);
    logged[logged_count++] = (struct session_store){word, *word};
}

void session_store(void *to, const void *from, size_t size)
{
    for (uintptr_t at = (uintptr_t)to & ~7UL; at < (uintptr_t)to + size; at += 8)
        session_log((void *)at);
    memcpy(to, from, size);
}

static void roll_back(void)
{
    while (logged_count) {
        logged_count--;
        *logged[logged_count].word = logged[logged_count].old;
    }
}

void channel_wake(struct channel *c)
{
    c->word = (c->word | CHANNEL_SLEEPERS) + 1;
    wakes++;
}

void terminal_signal(struct terminal *t, int signal)
{
    (void)t;
    signals[signal]++;
}

/* ---- typing and reading ---- */

static struct terminal t;

static void start(void)
{
    memset(&t, 0, sizeof t);
    memset(signals, 0, sizeof signals);
    terminal_defaults(&t);
    t.settings.c_oflag = 0;
    logged_count = 0;
}

static size_t feed(const char *bytes, size_t size)
{
    size_t done = 0;

    while (terminal_takes(&t) && (done < size || t.work)) {
        done += terminal_input(&t, (const uint8_t *)bytes + done, size - done);
        logged_count = 0;
    }
    return done;
}

static void type(const char *keys)
{
    feed(keys, strlen(keys));
}

static void local(tcflag_t off, tcflag_t on)
{
    struct termios s = t.settings;

    s.c_lflag = (s.c_lflag & ~off) | on;
    terminal_set(&t, &s);
    logged_count = 0;
}

static void start_raw(unsigned count, unsigned tenths)
{
    start();
    local(ICANON | ECHO | ISIG, 0);
    t.settings.c_cc[VMIN] = (cc_t)count;
    t.settings.c_cc[VTIME] = (cc_t)tenths;
}

static char got[2 * TERMINAL_RING + 1];

/* What a read of `size` gives now; -1: it waits. */
static long read_now(size_t size)
{
    struct terminal_reading r = {.size = size, .tenth = 10};

    if (terminal_look(&t, &r) != TAKE_NOW)
        return -1;
    struct terminal_piece p = terminal_peek(&t, (uint8_t *)got, size);
    terminal_take(&t, &p);
    logged_count = 0;
    got[p.bytes] = 0;
    return (long)p.bytes;
}

static bool reads(const char *expected)
{
    return read_now(2 * TERMINAL_RING) == (long)strlen(expected) && !strcmp(got, expected);
}

static bool waits(void)
{
    return read_now(1) == -1;
}

static bool shows(const char *expected)
{
    char screen[TERMINAL_RING + 1];
    size_t n = terminal_out_peek(&t, (uint8_t *)screen, TERMINAL_RING);

    terminal_out_take(&t, n);
    logged_count = 0;
    return n == strlen(expected) && !memcmp(screen, expected, n);
}

/* ---- lines ---- */

static void test_lines(void)
{
    start();
    type("ab");
    tap(waits() && shows("ab"), "terminal_line_incomplete");
    type("c\rde\n");
    tap(reads("abc\n") && reads("de\n") && waits() && shows("c\nde\n"), "terminal_line_each");
    type("hello\n");
    tap(read_now(2) == 2 && !strcmp(got, "he") && reads("llo\n"), "terminal_line_in_pieces");
    t.settings.c_cc[VEOL] = ';';
    type("a;b\n");
    tap(reads("a;") && reads("b\n"), "terminal_veol");
    t.settings.c_cc[VEOL2] = ',';
    local(IEXTEN, 0);
    type("a,b\n");
    tap(reads("a,b\n"), "terminal_veol2_is_an_extension");
}

static void test_mapping(void)
{
    start();
    t.settings.c_iflag = 0;
    type("a\rb\n");
    tap(reads("a\rb\n"), "terminal_no_icrnl");
    t.settings.c_iflag = IGNCR | ICRNL;
    type("a\rb\n");
    tap(reads("ab\n"), "terminal_igncr");
    t.settings.c_iflag = INLCR;
    t.settings.c_cc[VEOL] = '\r';
    type("a\n");
    tap(reads("a\r"), "terminal_inlcr");
    t.settings.c_iflag = ISTRIP;
    type("\341\212");
    tap(reads("a\n"), "terminal_istrip");
    t.settings.c_iflag = IUCLC;
    type("AbZ\n");
    tap(reads("abz\n"), "terminal_iuclc");
    t.settings.c_iflag = PARMRK;
    type("\377\n");
    tap(reads("\377\377\n"), "terminal_parmrk_doubles");
    t.settings.c_cflag &= ~(tcflag_t)CREAD;
    type("lost\n");
    tap(waits(), "terminal_cread");
}

static void test_erase(void)
{
    start();
    type("abx\177c\r");
    tap(reads("abc\n") && shows("abx\b \bc\n"), "terminal_erase");
    type("\177\177a\r");
    tap(reads("a\n") && shows("a\n"), "terminal_erase_nothing");
    type("line\nx\177\177\177y\r");
    tap(reads("line\n") && reads("y\n"), "terminal_erase_stops_at_line");
    start();
    type("a\303\244\177b\r");
    tap(reads("ab\n") && shows("a\303\244\b \bb\n"), "terminal_erase_utf8");
    t.settings.c_iflag &= ~(tcflag_t)IUTF8;
    type("\303\244\177\r");
    tap(reads("\303\n"), "terminal_erase_without_iutf8");
    start();
    type("\001\177\r");
    tap(reads("\n") && shows("^A\b \b\b \b\n"), "terminal_erase_control");
    local(ECHOE, 0);
    type("a\177\r");
    tap(shows("a^?\n"), "terminal_erase_without_echoe");
}

static void test_erase_tab(void)
{
    start();
    t.settings.c_oflag = OPOST;
    type("ab\t");
    shows("ab\t");
    type("\177");
    tap(shows("\b \b\b \b\b \b\b \b\b \b\b \b") && t.column == 2, "terminal_erase_tab");
    type("\tx\t");
    shows("\tx\t");
    type("\177");
    tap(t.column == 9, "terminal_erase_tab_after_tab");
}

static void test_word_and_line(void)
{
    start();
    type("one two  \027x\r");
    tap(reads("one x\n"), "terminal_erase_word");
    type("rubbish\025good\r");
    tap(reads("good\n"), "terminal_kill");
    start();
    local(ECHOKE, 0);
    type("ab\025c\r");
    tap(reads("c\n") && shows("ab^U\nc\n"), "terminal_kill_echok");
    start();
    type("ab\022");
    tap(shows("ab^R\nab"), "terminal_reprint");
    type("\n");
    tap(reads("ab\n"), "terminal_reprint_keeps_the_line");
    type("\026\003\026\177x\n");
    tap(reads("\003\177x\n") && !signals[SIGINT], "terminal_literal_next");
    local(IEXTEN, 0);
    type("a \027\026\n");
    tap(reads("a \027\026\n"), "terminal_no_iexten");
}

static void test_end_of_file(void)
{
    start();
    type("\004");
    tap(reads("") && waits(), "terminal_end_of_file");
    type("ab\004");
    tap(reads("ab") && waits(), "terminal_end_flushes");
    type("ab\004");
    tap(read_now(2) == 2 && waits(), "terminal_end_behind_a_full_buffer");
    type("x\r\004y\r");
    tap(reads("x\n") && reads("") && reads("y\n"), "terminal_end_in_order");
    t.settings.c_cc[VEOF] = 0;
    type("\004\n");
    tap(reads("\004\n"), "terminal_end_disabled");
}

static void test_echo(void)
{
    start();
    local(ECHO, 0);
    type("secret\r");
    tap(reads("secret\n") && shows(""), "terminal_no_echo");
    local(0, ECHONL);
    type("secret\r");
    tap(reads("secret\n") && shows("\n"), "terminal_echonl");
    start();
    local(ECHOCTL, 0);
    type("\001\r");
    tap(shows("\001\n"), "terminal_no_echoctl");
    start();
    local(ICANON, 0);
    type("a\n");
    tap(shows("a\n") && reads("a\n"), "terminal_raw_echo");
}

static void test_signals(void)
{
    start();
    type("abc\003");
    tap(signals[SIGINT] == 1 && waits() && t.end == t.head && shows("^C"), "terminal_interrupt");
    type("x\n\034");
    tap(signals[SIGQUIT] == 1 && waits(), "terminal_quit");
    type("\032");
    tap(signals[SIGTSTP] == 1, "terminal_suspend");
    local(0, NOFLSH);
    type("ab\003c\n");
    tap(signals[SIGINT] == 2 && reads("abc\n"), "terminal_noflsh");
    local(ISIG, 0);
    type("\003\n");
    tap(signals[SIGINT] == 2 && reads("\003\n"), "terminal_no_isig");
}

static void test_flow(void)
{
    start();
    type("\023");
    tap(t.flags & TERMINAL_STOPPED, "terminal_stop");
    type("\021");
    tap(!(t.flags & TERMINAL_STOPPED) && t.end == t.head, "terminal_start");
    type("\023a");
    tap(t.flags & TERMINAL_STOPPED, "terminal_stop_stays");
    type("\003");
    tap(!(t.flags & TERMINAL_STOPPED), "terminal_interrupt_starts");
    t.settings.c_iflag |= IXANY;
    type("\023a\n");
    tap(!(t.flags & TERMINAL_STOPPED) && reads("a\n"), "terminal_ixany");
    struct termios s = t.settings;
    type("\023");
    s.c_iflag &= ~(tcflag_t)IXON;
    terminal_set(&t, &s);
    tap(!(t.flags & TERMINAL_STOPPED), "terminal_ixon_off_starts");
    type("\023\n");
    tap(reads("\023\n"), "terminal_no_ixon");
}

static void test_ixoff(void)
{
    char block[TERMINAL_RING];

    start_raw(1, 0);
    t.settings.c_iflag = IXOFF;
    memset(block, 'x', sizeof block);
    feed(block, TERMINAL_RING * 3 / 4);
    tap(shows("\023") && (t.flags & TERMINAL_HELD), "terminal_ixoff_stops_the_sender");
    read_now(TERMINAL_RING / 4);
    tap(shows(""), "terminal_ixoff_waits");
    read_now(TERMINAL_RING / 2);
    tap(shows("\021") && !(t.flags & TERMINAL_HELD), "terminal_ixoff_starts_the_sender");
}

/* ---- bytes by count and time ---- */

static enum terminal_verdict look(struct terminal_reading *r, uint64_t now)
{
    r->now = now;
    return terminal_look(&t, r);
}

static void test_raw(void)
{
    start_raw(1, 0);
    type("a\003\004\r\177");
    tap(reads("a\003\004\n\177") && waits() && shows(""), "terminal_raw");
    start_raw(3, 0);
    type("ab");
    tap(read_now(10) == -1 && read_now(2) == 2, "terminal_vmin_or_the_size");
    type("cde");
    tap(read_now(10) == 3, "terminal_vmin");
}

static void test_time(void)
{
    struct terminal_reading r = {.size = 10, .tenth = 10};

    start_raw(3, 2);
    tap(look(&r, 100) == TAKE_WAIT && !r.deadline, "terminal_vtime_waits_for_the_first");
    type("a");
    tap(look(&r, 200) == TAKE_WAIT && r.deadline == 220, "terminal_vtime_begins");
    type("b");
    tap(look(&r, 210) == TAKE_WAIT && r.deadline == 230, "terminal_vtime_between_bytes");
    tap(look(&r, 229) == TAKE_WAIT && look(&r, 230) == TAKE_NOW, "terminal_vtime_over");
    r = (struct terminal_reading){.size = 10, .tenth = 10};
    start_raw(0, 5);
    tap(look(&r, 100) == TAKE_WAIT && r.deadline == 150 && look(&r, 150) == TAKE_NOTHING,
        "terminal_vmin0_vtime");
    type("a");
    tap(look(&r, 151) == TAKE_NOW, "terminal_vmin0_byte");
    r = (struct terminal_reading){.size = 10, .tenth = 10};
    start_raw(0, 0);
    tap(look(&r, 100) == TAKE_NOTHING, "terminal_vmin0_vtime0");
}

static void test_modes(void)
{
    start();
    type("ahead");
    local(ICANON, 0);
    tap(reads("ahead"), "terminal_type_ahead_to_raw");
    start();
    type("a\n\004b\n");
    local(ICANON, 0);
    tap(reads("a\nb\n"), "terminal_type_ahead_loses_ends_of_file");
    start_raw(1, 0);
    type("a\nbc");
    local(0, ICANON | ECHO);
    type("d\n");
    tap(reads("a\n") && reads("bc") && reads("d\n"), "terminal_type_ahead_to_lines");
    start();
    type("ab");
    local(ICANON, 0);
    local(0, ICANON);
    tap(reads("ab"), "terminal_there_and_back");
    start();
    type("left");
    terminal_release(&t);
    t.flags |= TERMINAL_OVER;
    struct terminal_reading r = {.size = 9, .tenth = 10};
    tap(reads("left") && terminal_look(&t, &r) == TAKE_NOTHING, "terminal_over");
    logged_count = 0;
}

static void test_counts(void)
{
    start();
    type("ab\ncd");
    tap(terminal_readable(&t) == 3, "terminal_readable_lines");
    local(ICANON, 0);
    tap(terminal_readable(&t) == 5, "terminal_readable_raw");
    terminal_flush_input(&t);
    tap(terminal_readable(&t) == 0 && waits(), "terminal_flush");
    logged_count = 0;
}

/* ---- full ---- */

static void test_full(void)
{
    static char line[TERMINAL_RING + 100];

    memset(line, 'x', sizeof line);
    start();
    tap(feed(line, sizeof line) == sizeof line && waits(), "terminal_long_line_is_taken");
    type("\r");
    tap(read_now(2 * TERMINAL_RING) == TERMINAL_RING && got[TERMINAL_RING - 2] == 'x' &&
            got[TERMINAL_RING - 1] == '\n',
        "terminal_long_line_ends");
    type("next\r");
    tap(reads("next\n"), "terminal_after_long_line");
    type("first\r");
    size_t taken = feed(line, sizeof line);
    tap(taken < TERMINAL_RING && !terminal_takes(&t), "terminal_full_waits_for_a_reader");
    tap(terminal_input(&t, (const uint8_t *)"\003", 1) == 1 && signals[SIGINT] == 1,
        "terminal_interrupt_when_full");
    start_raw(1, 0);
    taken = feed(line, sizeof line);
    tap(taken >= TERMINAL_RING - 2 && taken < sizeof line && read_now(sizeof line) == (long)taken,
        "terminal_raw_full");
    logged_count = 0;
}

static void test_kill_long(void)
{
    static char line[TERMINAL_RING];

    start();
    t.out_head = 0;
    for (int i = 0; i < 4000; i++)
        line[i] = i % 50 == 49 ? '\t' : 'y';
    feed(line, 4000);
    terminal_flush_output(&t);
    logged_count = 0;
    tap(terminal_input(&t, (const uint8_t *)"\025z", 2) == 1 && t.work, "terminal_kill_in_steps");
    logged_count = 0;
    type("z\n");
    tap(reads("z\n"), "terminal_kill_long");
}

/* ---- output ---- */

static bool cooks(tcflag_t flags, const char *from, const char *to)
{
    start();
    t.settings.c_oflag = flags;
    terminal_output(&t, (const uint8_t *)from, strlen(from));
    logged_count = 0;
    return shows(to);
}

static void test_output(void)
{
    tap(cooks(0, "a\n\tb\r", "a\n\tb\r"), "terminal_no_opost");
    tap(cooks(OPOST | ONLCR, "a\nb\n", "a\r\nb\r\n"), "terminal_onlcr");
    tap(cooks(OPOST | OCRNL, "a\r", "a\n"), "terminal_ocrnl");
    tap(cooks(OPOST | ONOCR, "\ra\r\r", "a\r"), "terminal_onocr");
    tap(cooks(OPOST | ONLCR | TAB3, "ab\tc\n\td", "ab      c\r\n        d"), "terminal_tabs");
    tap(cooks(OPOST | TAB3 | ONLRET, "ab\n\tc", "ab\n        c"), "terminal_onlret");
    tap(cooks(OPOST | OLCUC, "aZ1", "AZ1"), "terminal_olcuc");
    tap(cooks(OPOST | TAB3, "\303\244\tx", "\303\244       x"), "terminal_utf8_column");
    static uint8_t much[TERMINAL_RING * 2];
    start();
    size_t n = terminal_output(&t, much, sizeof much);
    tap(n <= TERMINAL_RING && n > TERMINAL_RING - 2 * COOKED_MOST, "terminal_output_full");
    terminal_out_take(&t, 100);
    tap(terminal_output(&t, much, sizeof much) >= 100 - COOKED_MOST, "terminal_output_goes_on");
    logged_count = 0;
}

/* ---- killed at any store: what was there before is there again ---- */

static bool sound(void)
{
    uint64_t marks = 0;

    for (uint64_t at = t.head; at != t.end; at++)
        marks += (t.cells[at % TERMINAL_RING] & CELL_END) != 0;
    return t.head <= t.line && t.line <= t.end && t.end - t.head <= TERMINAL_RING &&
           marks == t.marks && t.out_head <= t.out_end && t.out_end - t.out_head <= TERMINAL_RING;
}

/* Cells that nobody can see may differ, and so may channels. */
static bool same(const struct terminal *a, const struct terminal *b)
{
    bool all = a->head == b->head && a->end == b->end && a->line == b->line &&
               a->marks == b->marks && a->out_end == b->out_end && a->flags == b->flags &&
               a->work == b->work;

    for (uint64_t at = a->head; at != a->end; at++)
        all &= a->cells[at % TERMINAL_RING] == b->cells[at % TERMINAL_RING];
    return all;
}

static void test_killed(void)
{
    static struct terminal before;
    static const char keys[] = "abc\tde\177\027x\n\004\003\026y\025q\023\021\022z\n\r\303\244\177";
    static volatile bool all = true;
    static volatile unsigned deaths;

    for (volatile size_t prefix = 0; prefix < sizeof keys - 1; prefix++) {
        for (volatile size_t at = 1; at < 200; at++) {
            start();
            feed(keys, prefix);
            before = t;
            die_at = at;
            if (!setjmp(death)) {
                terminal_input(&t, (const uint8_t *)keys + prefix, sizeof keys - 1 - prefix);
                die_at = logged_count = 0;
                break;
            }
            die_at = 0;
            roll_back();
            deaths++;
            all &= same(&t, &before) && sound();
        }
    }
    tap(all && deaths > 500, "terminal_killed_at_any_store");
}

static void test_random(void)
{
    static const char special[] = "\003\004\022\023\021\025\026\027\032\034\177\n\r\t \303\244";
    bool all = true;
    unsigned seed = 1;

    start();
    for (int i = 0; i < 200000; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned r = seed >> 16;
        char c = r % 3 ? (char)('a' + r % 26) : special[r / 3 % (sizeof special - 1)];
        feed(&c, 1);
        if (r % 97 == 0)
            local(r & 1024 ? ICANON : 0, r & 1024 ? 0 : ICANON);
        if (r % 31 == 0)
            read_now(r % 50 + 1);
        if (r % 29 == 0) {
            terminal_flush_output(&t);
            logged_count = 0;
        }
        all &= sound();
    }
    tap(all, "terminal_random_keys");
}

int main(void)
{
    test_lines();
    test_mapping();
    test_erase();
    test_erase_tab();
    test_word_and_line();
    test_end_of_file();
    test_echo();
    test_signals();
    test_flow();
    test_ixoff();
    test_raw();
    test_time();
    test_modes();
    test_counts();
    test_full();
    test_kill_long();
    test_output();
    test_killed();
    test_random();
    return tap_failed;
}
