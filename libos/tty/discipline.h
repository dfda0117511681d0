/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal's line discipline: what a byte from the keyboard does. Pure; host-tested. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISCIPLINE_SIZE 4096

struct discipline {
    bool raw; /* bytes as they are, at once, without echo */
    /* Rings by free-running counters: [head, committed) may be read, [committed, end) is the line
     * being edited. */
    size_t head, committed, end;
    bool end_of_file; /* ctrl-D on an empty line: the next read that finds nothing before it gets 0
                         bytes */
    size_t end_of_file_at;
    uint8_t data[DISCIPLINE_SIZE];
    void (*echo)(const char *bytes, size_t size);
};

enum discipline_signal { DISCIPLINE_NONE, DISCIPLINE_INTERRUPT, DISCIPLINE_QUIT, DISCIPLINE_STOP };

/* A byte came in. Cooked mode edits the line and echoes; ctrl-C and ctrl-\ drop it and are
 * returned. */
enum discipline_signal discipline_input(struct discipline *d, uint8_t byte);
/* Bytes that it can take without losing any. */
size_t discipline_room(const struct discipline *d);
/* True: discipline_read has something to say (bytes or an end). */
bool discipline_ready(const struct discipline *d);
/* Up to a line (cooked) or what there is (raw). 0: the end of file; only if ready. */
size_t discipline_read(struct discipline *d, uint8_t *buffer, size_t size);
/* Changes the mode; what was typed ahead stays, and becomes readable in raw mode. */
void discipline_mode(struct discipline *d, bool raw);
