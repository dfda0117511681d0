/* SPDX-License-Identifier: BSD-2-Clause */
#include "discipline.h"

#define CTRL(c) ((c)&0x1f)
#define DELETE  0x7f

static uint8_t *at(struct discipline *d, size_t position)
{
    return &d->data[position % DISCIPLINE_SIZE];
}

static bool put(struct discipline *d, uint8_t byte)
{
    if (d->end - d->head == DISCIPLINE_SIZE)
        return false;
    *at(d, d->end++) = byte;
    return true;
}

static bool is_control(uint8_t byte)
{
    return byte < 32 || byte == DELETE;
}

static void echo_byte(struct discipline *d, uint8_t byte)
{
    char text[2] = {(char)byte, 0};
    size_t size = 1;

    if (is_control(byte) && byte != '\t') {
        text[0] = '^';
        text[1] = (char)(byte ^ 0x40);
        size = 2;
    }
    d->echo(text, size);
}

/* Takes one character off the line and off the screen; a multi-byte one (UTF-8) as a whole. */
static void erase(struct discipline *d)
{
    uint8_t byte;

    if (d->end == d->committed)
        return;
    do {
        byte = *at(d, --d->end);
    } while ((byte & 0xc0) == 0x80 && d->end != d->committed);
    d->echo("\b \b", 3);
    if (is_control(byte))
        d->echo("\b \b", 3);
}

static void erase_word(struct discipline *d)
{
    while (d->end != d->committed && *at(d, d->end - 1) == ' ')
        erase(d);
    while (d->end != d->committed && *at(d, d->end - 1) != ' ')
        erase(d);
}

static void erase_line(struct discipline *d)
{
    while (d->end != d->committed)
        erase(d);
}

static enum discipline_signal interrupt(struct discipline *d, uint8_t byte)
{
    d->end = d->head = d->committed;
    d->end_of_file = false;
    echo_byte(d, byte);
    d->echo("\n", 1);
    return byte == CTRL('C') ? DISCIPLINE_INTERRUPT : DISCIPLINE_QUIT;
}

static void end_line(struct discipline *d)
{
    /* a full line still ends */
    if (!put(d, '\n'))
        *at(d, d->end - 1) = '\n';
    d->committed = d->end;
    d->echo("\n", 1);
}

static void end_file(struct discipline *d)
{
    if (d->end == d->committed && !d->end_of_file) {
        d->end_of_file = true;
        d->end_of_file_at = d->committed;
    }
    d->committed = d->end;
}

enum discipline_signal discipline_input(struct discipline *d, uint8_t byte)
{
    if (d->raw) {
        put(d, byte);
        d->committed = d->end;
        return DISCIPLINE_NONE;
    }
    switch (byte) {
    case CTRL('C'):
    case CTRL('\\'):
        return interrupt(d, byte);
    case CTRL('D'):
        end_file(d);
        break;
    case '\b':
    case DELETE:
        erase(d);
        break;
    case CTRL('U'):
        erase_line(d);
        break;
    case CTRL('W'):
        erase_word(d);
        break;
    case '\r':
    case '\n':
        end_line(d);
        break;
    default:
        /* room is kept for the newline */
        if (d->end - d->head < DISCIPLINE_SIZE - 1 && put(d, byte))
            echo_byte(d, byte);
        break;
    }
    return DISCIPLINE_NONE;
}

size_t discipline_room(const struct discipline *d)
{
    return DISCIPLINE_SIZE - 1 - (d->end - d->head);
}

bool discipline_ready(const struct discipline *d)
{
    return d->head != d->committed || d->end_of_file;
}

size_t discipline_read(struct discipline *d, uint8_t *buffer, size_t size)
{
    size_t n = 0;

    if (d->end_of_file && d->end_of_file_at == d->head) {
        d->end_of_file = false;
        return 0;
    }
    while (n < size && d->head != d->committed &&
           !(d->end_of_file && d->end_of_file_at == d->head)) {
        buffer[n] = *at(d, d->head++);
        if (buffer[n++] == '\n' && !d->raw)
            break;
    }
    return n;
}

void discipline_mode(struct discipline *d, bool raw)
{
    d->raw = raw;
    if (raw)
        d->committed = d->end;
}
