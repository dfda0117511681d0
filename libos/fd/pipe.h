/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes and FIFOs: a ring of 64 KiB in session memory, made with the first write.
 *
 *     head, tail     bytes ever read and written; each is one store, by who holds its busy word,
 *                    after the bytes are copied: killed before it, nothing was read or written
 *     readers,       open ends, counted in the monitor; none: end of file, or EPIPE
 *     writers
 */
#pragma once

#include "../session/session.h"

#define PIPE_PAGES 16
#define PIPE_SIZE  (PIPE_PAGES * 4096UL)

struct pipe {
    uint64_t head, tail;
    uint8_t *ring;
    uint32_t readers, writers;
    uint64_t readers_ever, writers_ever; /* ends opened: a FIFO's open waits for one more */
    struct busy reading, writing;
    struct channel readable, writable; /* and: an end has opened or closed */
    struct pipe *next;                 /* of free ones */
};
