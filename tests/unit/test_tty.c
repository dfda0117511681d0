/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: libos/tty/discipline.c */
#include "../../libos/tty/discipline.h"

#include <string.h>

#include "tap.h"

static struct discipline d;
static char screen[65536];
static size_t screen_size;

static void echo(const char *bytes, size_t size)
{
    if (screen_size + size < sizeof screen) {
        memcpy(screen + screen_size, bytes, size);
        screen_size += size;
    }
}

static void start(bool raw)
{
    memset(&d, 0, sizeof d);
    d.echo = echo;
    d.raw = raw;
    screen_size = 0;
}

static enum discipline_signal type(const char *keys)
{
    enum discipline_signal last = DISCIPLINE_NONE;
    for (; *keys; keys++) {
        enum discipline_signal s = discipline_input(&d, (uint8_t)*keys);
        last = s ? s : last;
    }
    return last;
}

static bool reads(const char *expected)
{
    char buffer[8192];
    size_t n = discipline_ready(&d) ? discipline_read(&d, (uint8_t *)buffer, sizeof buffer) : 9999;
    return n == strlen(expected) && !memcmp(buffer, expected, n);
}

static bool shows(const char *expected)
{
    return screen_size == strlen(expected) && !memcmp(screen, expected, screen_size);
}

static void test_lines(void)
{
    start(false);
    type("ab");
    tap(!discipline_ready(&d), "tty_line_incomplete");
    type("c\rde\n");
    tap(reads("abc\n") && reads("de\n") && !discipline_ready(&d), "tty_line_each");
    tap(shows("abc\nde\n"), "tty_echo");
}

static void test_editing(void)
{
    start(false);
    type("abx\177c\r");
    tap(reads("abc\n") && shows("abx\b \bc\n"), "tty_erase");
    start(false);
    type("\177\b a\r");
    tap(reads(" a\n"), "tty_erase_nothing");
    start(false);
    type("one two  \027x\r");
    tap(reads("one x\n"), "tty_erase_word");
    start(false);
    type("rubbish\025good\r");
    tap(reads("good\n"), "tty_erase_line");
    start(false);
    type("a\303\244\177b\r");
    tap(reads("ab\n"), "tty_erase_utf8");
    start(false);
    type("line\nx\177\177\177y\r");
    tap(reads("line\n") && reads("y\n"), "tty_erase_stops_at_line");
}

static void test_control(void)
{
    start(false);
    tap(type("abc\003") == DISCIPLINE_INTERRUPT && !discipline_ready(&d) && shows("abc^C\n"),
        "tty_interrupt");
    tap(type("\034") == DISCIPLINE_QUIT, "tty_quit");
    start(false);
    type("\004");
    tap(reads("") && !discipline_ready(&d), "tty_end_of_file");
    start(false);
    type("ab\004");
    tap(reads("ab") && !discipline_ready(&d), "tty_end_flushes");
    start(false);
    type("x\r\004y\r");
    tap(reads("x\n") && reads("") && reads("y\n"), "tty_end_in_order");
}

static void test_raw(void)
{
    start(true);
    tap(type("a\003\004\r\177") == DISCIPLINE_NONE && reads("a\003\004\r\177") && screen_size == 0,
        "tty_raw");
    start(false);
    type("ahead");
    discipline_mode(&d, true);
    tap(reads("ahead"), "tty_type_ahead_kept");
}

static void test_full(void)
{
    char line[DISCIPLINE_SIZE + 100];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = 0;
    start(false);
    type(line);
    type("\r");
    memset(line, 'x', DISCIPLINE_SIZE - 1);
    strcpy(line + DISCIPLINE_SIZE - 1, "\n");
    tap(reads(line) && !discipline_ready(&d), "tty_full_line_ends");
    type("next\r");
    tap(reads("next\n"), "tty_after_full_line");
}

/* Pieces smaller than a line, and every start position in the ring. */
static void test_ring(void)
{
    bool all = true;
    start(false);
    for (int i = 0; i < 3 * DISCIPLINE_SIZE / 6; i++) {
        uint8_t buffer[4] = "";
        type("hello\r");
        all &= discipline_read(&d, buffer, 4) == 4 && !memcmp(buffer, "hell", 4);
        all &= reads("o\n");
    }
    tap(all, "tty_ring");
}

int main(void)
{
    test_lines();
    test_editing();
    test_control();
    test_raw();
    test_full();
    test_ring();
    return tap_failed;
}
