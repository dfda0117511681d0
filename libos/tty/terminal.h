/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A terminal, in session memory: the console (keys that init's pump brings) or the slave of a
 * pseudo-terminal (bytes that are written to its master). Shared by all processes of the session;
 * every word is written in the monitor by session_set, but bytes that lie outside of what a ring's
 * counters enclose.
 *
 *     keys --> terminal_input --> cells: [head .. line .. end) --> read()
 *       |       edits, signals           readable | being edited
 *       |          |
 *       |          '-- echo --> out: [out_head .. out_end) --> master's read(), init's pump
 *       '--> SIGINT, SIGQUIT, SIGTSTP to the foreground group
 *     write() --> terminal_cook (tabs, newlines) --> out, or straight to the console's line
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include <sys/ioctl.h>

#include "../session/session.h"

#define TERMINALS     64 /* the console and 63 pseudo-terminals */
#define TERMINAL_RING 4096
#define COOKED_MOST   8 /* bytes that one byte of output becomes: a tab's spaces */

/* A cell of the input ring: a byte and what it is. */
#define CELL_END 0x100 /* the last of a line, or of what came before lines were wanted */
#define CELL_EOF 0x200 /* the byte is no data: the end-of-file key was typed here */

/* terminal.flags */
#define TERMINAL_LITERAL   1  /* the next byte is taken as it is (VLNEXT) */
#define TERMINAL_STOPPED   2  /* output is: VSTOP, TCOOFF */
#define TERMINAL_HELD      4  /* IXOFF: the sender was sent VSTOP */
#define TERMINAL_LOCKED    8  /* pseudo-terminal: unlockpt() has not been called */
#define TERMINAL_EXCLUSIVE 16 /* TIOCEXCL */
#define TERMINAL_OVER      32 /* no more input will come: reads give 0 when what is there is read */
#define TERMINAL_OPENED    64 /* the slave was open once: its last close is an end for the master */
#define TERMINAL_NODE      128 /* /dev/pts/N has been made */

/* terminal.work: what takes more than one stay in the monitor. */
enum terminal_work { WORK_NONE, WORK_ERASE_BLANKS, WORK_ERASE_WORD, WORK_ERASE_LINE, WORK_REPRINT };

struct terminal {
    uint32_t index; /* 0 the console; N + 1 pts/N */
    uint32_t flags;
    struct termios settings;
    struct winsize window;
    pid_t session, foreground; /* 0: none */
    uint64_t hangups;          /* files that were opened before the last one have lost it */
    uint32_t opens, masters;   /* open files */

    uint64_t head, line, end; /* of cells; never wrap */
    uint64_t marks;           /* cells with CELL_END in [head, end) */
    uint32_t work;            /* enum terminal_work */
    uint32_t column;          /* of the cursor; a guess, when several write at once */
    uint32_t line_column;     /* where the line being edited began */
    uint32_t spare;
    uint64_t reprint; /* WORK_REPRINT: the next cell */

    uint64_t out_head, out_end;

    struct channel input;  /* something to read, or another state: slave's readers */
    struct channel output; /* room, or started again: slave's writers */
    struct channel master; /* output, room for input, or another state: master's readers, writers */

    uint16_t cells[TERMINAL_RING];
    uint8_t out[TERMINAL_RING];
};

/* ---- the line discipline: line.c, output.c, take.c; in the monitor, bounded, pure ---- */

/* What a new terminal is set to. */
void terminal_defaults(struct terminal *t);

#define INPUT_STEP 16 /* bytes that terminal_input takes at once */

/*
 * Bytes from the keyboard or the master. Takes at most INPUT_STEP and returns how many; fewer if
 * work remains (call again) or the ring is full (see terminal_takes).
 */
size_t terminal_input(struct terminal *t, const uint8_t *bytes, size_t count);
/* Whether it would take a byte now, or go on with its work. */
bool terminal_takes(const struct terminal *t);

/* What was typed of a line can be read although its end was not: no more will come. */
void terminal_release(struct terminal *t);
/* Another setting, as tcsetattr says; what was typed ahead stays. */
void terminal_set(struct terminal *t, const struct termios *settings);
void terminal_flush_input(struct terminal *t);
void terminal_flush_output(struct terminal *t);
/* Stops or starts output. */
void terminal_hold(struct terminal *t, bool stop);
/* A byte for the other end that does not belong to output: VSTART, VSTOP. */
void terminal_send(struct terminal *t, uint8_t byte);

/* One byte of output as it is to be shown; its size. `column` is kept. */
size_t terminal_cook(const struct termios *settings, uint8_t byte, uint8_t *out, uint32_t *column);
/* Output of the slave of a pseudo-terminal: cooked into `out`, as much as there is room for. */
size_t terminal_output(struct terminal *t, const uint8_t *bytes, size_t count);
/* Bytes from `out` without taking them; the master's and the pump's. */
size_t terminal_out_peek(const struct terminal *t, uint8_t *to, size_t size);
void terminal_out_take(struct terminal *t, size_t count);

/* What a read has to do. */
enum terminal_verdict { TAKE_NOW, TAKE_WAIT, TAKE_NOTHING };

struct terminal_reading {
    size_t size;       /* of the read */
    uint64_t now;      /* `time` */
    uint64_t tenth;    /* of a second, in `time` */
    uint64_t deadline; /* 0: none; kept from one look to the next */
    uint64_t seen;     /* `end` at the last look */
    bool begun;
};

/* Looks whether the read (canonical, or by VMIN and VTIME) is satisfied. */
enum terminal_verdict terminal_look(const struct terminal *t, struct terminal_reading *r);

struct terminal_piece {
    size_t bytes;
    uint64_t next;  /* head after it */
    uint64_t marks; /* CELL_END in it */
    bool whole;     /* a line's end was met */
};

/* The next bytes for a read, without taking them; within a line if lines are wanted. */
struct terminal_piece terminal_peek(const struct terminal *t, uint8_t *to, size_t size);
void terminal_take(struct terminal *t, const struct terminal_piece *piece);
/* FIONREAD. */
size_t terminal_readable(const struct terminal *t);

/* ---- job control: job.c; in the monitor ---- */

/* Sends a signal to all of a terminal's foreground group. */
void terminal_signal(struct terminal *t, int signal);
