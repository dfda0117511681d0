// SPDX-License-Identifier: BSD-2-Clause
//
// Line editing on a terminal: arrows, home, end, ctrl-A B D E F H K L N P T U W, history, ctrl-C,
// ctrl-D. One row of the screen; a line longer than that scrolls sideways. A character is a UTF-8
// sequence and takes one column.

#include <aegis/tty.h>
#include <readline/history.h>
#include <readline/readline.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HISTORY_LINES = 200 };

#define CTRL(c) ((c) & 0x1f)
enum { ESCAPE = 27, RUBOUT = 127 };

// What escape sequences stand for; beyond any byte.
enum { KEY_END_OF_INPUT = 256, KEY_UP, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, KEY_DELETE,
       KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_NONE };

struct editor {
    const char *prompt;
    char *line;       // NUL-terminated
    size_t length;    // bytes, the NUL not counted
    size_t capacity;  // bytes
    size_t cursor;    // byte offset of the character under the cursor
    size_t shown;     // index in the history, history_count for the line being typed
    char *typed;      // what was being typed when the user went back in history
};

const char *rl_readline_name = "";

static char *history[HISTORY_LINES];
static size_t history_count;

void using_history(void)
{
}

void clear_history(void)
{
    while (history_count) {
        free(history[--history_count]);
    }
}

void add_history(const char *line)
{
    if (!*line || (history_count && !strcmp(history[history_count - 1], line))) {
        return;
    }
    char *copy = strdup(line);
    if (!copy) {
        return;
    }
    if (history_count == HISTORY_LINES) {
        free(history[0]);
        memmove(history, history + 1, --history_count * sizeof *history);
    }
    history[history_count++] = copy;
}

static bool continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t characters(const char *text, size_t bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        count += !continuation(text[i]);
    }
    return count;
}

static size_t left_of(const struct editor *e, size_t at)
{
    while (at && continuation(e->line[--at])) {
    }
    return at;
}

static size_t right_of(const struct editor *e, size_t at)
{
    if (at < e->length) {
        at++;
    }
    while (at < e->length && continuation(e->line[at])) {
        at++;
    }
    return at;
}

static size_t word_left_of(const struct editor *e, size_t at)
{
    while (at && e->line[at - 1] == ' ') {
        at--;
    }
    while (at && e->line[at - 1] != ' ') {
        at--;
    }
    return at;
}

static size_t word_right_of(const struct editor *e, size_t at)
{
    while (at < e->length && e->line[at] == ' ') {
        at++;
    }
    while (at < e->length && e->line[at] != ' ') {
        at++;
    }
    return at;
}

static void put(const char *bytes, size_t size)
{
    while (size) {
        ssize_t done = write(STDOUT_FILENO, bytes, size);
        if (done <= 0) {
            return;
        }
        bytes += done;
        size -= (size_t)done;
    }
}

static void puts_raw(const char *text)
{
    put(text, strlen(text));
}

// Draws the row anew: prompt, the part of the line around the cursor that fits, the cursor.
static void draw(const struct editor *e)
{
    int rows = 24, columns = 80;
    if (aegis_tty_size(&rows, &columns) || columns < 20) {
        columns = 80;
    }
    size_t prompt = characters(e->prompt, strlen(e->prompt));
    size_t room = (size_t)columns > prompt + 8 ? (size_t)columns - prompt - 1 : 8;
    size_t first = 0, last = e->length;
    while (characters(e->line + first, e->cursor - first) >= room) {
        first = right_of(e, first);
    }
    while (characters(e->line + first, last - first) > room) {
        last = left_of(e, last);
    }
    char back[32];
    size_t column = prompt + characters(e->line + first, e->cursor - first);
    puts_raw("\r");
    puts_raw(e->prompt);
    put(e->line + first, last - first);
    puts_raw("\x1b[K\r");
    if (column) {
        snprintf(back, sizeof back, "\x1b[%zuC", column);
        puts_raw(back);
    }
}

static bool insert(struct editor *e, const char *bytes, size_t size)
{
    if (e->length + size + 1 > e->capacity) {
        size_t capacity = 2 * (e->length + size + 1) + 64;
        char *bigger = realloc(e->line, capacity);
        if (!bigger) {
            return false;
        }
        e->line = bigger;
        e->capacity = capacity;
    }
    memmove(e->line + e->cursor + size, e->line + e->cursor, e->length - e->cursor);
    memcpy(e->line + e->cursor, bytes, size);
    e->length += size;
    e->cursor += size;
    e->line[e->length] = 0;
    return true;
}

// Takes the bytes [from, to) out; the cursor is left at `from`.
static void cut(struct editor *e, size_t from, size_t to)
{
    memmove(e->line + from, e->line + to, e->length - to);
    e->length -= to - from;
    e->line[e->length] = 0;
    e->cursor = from;
}

static void replace(struct editor *e, const char *text)
{
    cut(e, 0, e->length);
    insert(e, text, strlen(text));
}

// Goes to line `to` of the history; what was being typed is kept and comes back below the newest.
static void recall(struct editor *e, size_t to)
{
    if (e->shown == history_count) {
        free(e->typed);
        e->typed = strdup(e->line);
    }
    e->shown = to;
    replace(e, to < history_count ? history[to] : e->typed ? e->typed : "");
}

static void transpose(struct editor *e)
{
    size_t right = e->cursor == e->length ? left_of(e, e->cursor) : e->cursor;
    size_t left = left_of(e, right), end = right_of(e, right);
    char both[16];
    if (left == right || end - left > sizeof both) {
        return;
    }
    memcpy(both, e->line + right, end - right);
    memcpy(both + (end - right), e->line + left, right - left);
    memcpy(e->line + left, both, end - left);
    e->cursor = end;
}

static int next_byte(void)
{
    unsigned char c;
    ssize_t got;
    do {
        got = read(STDIN_FILENO, &c, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1 ? c : KEY_END_OF_INPUT;
}

// ESC [ parameters final: the arrows and their neighbours as terminals send them; ";5" is with ctrl
// held.
static int sequence(void)
{
    int c = next_byte(), parameter = 0;
    bool modified = false;
    if (c == 'b' || c == 'f') {
        return c == 'b' ? KEY_WORD_LEFT : KEY_WORD_RIGHT;
    }
    if (c != '[' && c != 'O') {
        return KEY_NONE;
    }
    while (c = next_byte(), (c >= '0' && c <= '9') || c == ';') {
        modified |= c == ';';
        parameter = modified ? parameter : (parameter * 10 + c - '0') % 100;
    }
    switch (c) {
    case 'A': return KEY_UP;
    case 'B': return KEY_DOWN;
    case 'C': return modified ? KEY_WORD_RIGHT : KEY_RIGHT;
    case 'D': return modified ? KEY_WORD_LEFT : KEY_LEFT;
    case 'H': return KEY_HOME;
    case 'F': return KEY_END;
    case '~': return parameter == 1 || parameter == 7 ? KEY_HOME
                   : parameter == 4 || parameter == 8 ? KEY_END
                   : parameter == 3 ? KEY_DELETE : KEY_NONE;
    default: return KEY_NONE;
    }
}

// Keys that only move the cursor. False when `key` is none of them.
static bool move(struct editor *e, int key)
{
    switch (key) {
    case CTRL('a'): case KEY_HOME: e->cursor = 0; return true;
    case CTRL('e'): case KEY_END: e->cursor = e->length; return true;
    case CTRL('b'): case KEY_LEFT: e->cursor = left_of(e, e->cursor); return true;
    case CTRL('f'): case KEY_RIGHT: e->cursor = right_of(e, e->cursor); return true;
    case KEY_WORD_LEFT: e->cursor = word_left_of(e, e->cursor); return true;
    case KEY_WORD_RIGHT: e->cursor = word_right_of(e, e->cursor); return true;
    default: return false;
    }
}

// Keys that change the line.
static void change(struct editor *e, int key)
{
    char c = (char)key;
    switch (key) {
    case CTRL('h'): case RUBOUT: cut(e, left_of(e, e->cursor), e->cursor); break;
    case CTRL('d'): case KEY_DELETE: cut(e, e->cursor, right_of(e, e->cursor)); break;
    case CTRL('k'): cut(e, e->cursor, e->length); break;
    case CTRL('u'): cut(e, 0, e->cursor); break;
    case CTRL('w'): cut(e, word_left_of(e, e->cursor), e->cursor); break;
    case CTRL('t'): transpose(e); break;
    case CTRL('l'): puts_raw("\x1b[H\x1b[2J"); break;
    case CTRL('p'): case KEY_UP: if (e->shown) recall(e, e->shown - 1); break;
    case CTRL('n'): case KEY_DOWN: if (e->shown < history_count) recall(e, e->shown + 1); break;
    case '\t': insert(e, "    ", 4); break;
    default:
        if (key >= ' ' && key < KEY_END_OF_INPUT) {
            insert(e, &c, 1);
        }
    }
}

// A plain character at the end of a short line: the terminal shows it where the cursor is, nothing
// else changes.
static bool append(struct editor *e, int key)
{
    char c = (char)key;
    bool at_end = e->cursor == e->length && strlen(e->prompt) + e->length < 60;
    if (key < ' ' || key >= RUBOUT || !at_end) {
        return false;
    }
    if (insert(e, &c, 1)) {
        put(&c, 1);
    }
    return true;
}

// True when the user ended the line; false at the end of input.
static bool edit(struct editor *e)
{
    draw(e);
    for (;;) {
        int key = next_byte();
        if (append(e, key)) {
            continue;
        }
        if (key == ESCAPE) {
            key = sequence();
        }
        if (key == '\r' || key == '\n') {
            return true;
        }
        if (key == KEY_END_OF_INPUT) {
            return e->length != 0;
        }
        if (key == CTRL('d') && !e->length) {
            return false;
        }
        if (key == CTRL('c')) {
            puts_raw("^C\n");
            e->shown = history_count;
            cut(e, 0, e->length);
        } else if (!move(e, key)) {
            change(e, key);
        }
        draw(e);
    }
}

// Without a terminal: the prompt and a line of standard input, as any program would read it.
static char *plain(const char *prompt)
{
    struct editor e = {0};
    fputs(prompt, stdout);
    fflush(stdout);
    int c;
    while ((c = getchar()) != EOF && c != '\n') {
        char byte = (char)c;
        if (!insert(&e, &byte, 1)) {
            break;
        }
    }
    if (c == EOF && !e.length) {
        free(e.line);
        return NULL;
    }
    return e.line ? e.line : strdup("");
}

char *readline(const char *prompt)
{
    prompt = prompt ? prompt : "";
    int before = isatty(STDIN_FILENO) ? aegis_tty_raw(1) : -1;
    if (before < 0) {
        return plain(prompt);
    }
    struct editor e = {.prompt = prompt, .shown = history_count};
    fflush(stdout);
    bool line = insert(&e, "", 0) && edit(&e);
    puts_raw("\n");
    aegis_tty_raw(before);
    free(e.typed);
    if (!line) {
        free(e.line);
        return NULL;
    }
    return e.line;
}
