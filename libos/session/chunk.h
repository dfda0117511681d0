/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the chunks lie: they grow with the distance, as session.h says. */
#pragma once

#include "session.h"

#define CHUNK_KINDS 4

struct chunk_kind {
    uint32_t first;  /* chunk */
    uint32_t offset; /* of it, in pages */
    uint32_t order;  /* of each: pages */
};

/* The newest kind first. An inline table: pinned code must reach for no other. */
static inline struct chunk_kind chunk_kind(unsigned i)
{
    return i == 0   ? (struct chunk_kind){124, 64 << 8, 9}
           : i == 1 ? (struct chunk_kind){76, 16 << 8, 8}
           : i == 2 ? (struct chunk_kind){16, 1 << 8, 6}
                    : (struct chunk_kind){0, 0, 4};
}

/* The chunk in which a page of session memory lies, and its first page. */
static inline unsigned chunk_of(uint64_t page, uint64_t *first)
{
    unsigned i = 0;

    while (page < chunk_kind(i).offset)
        i++;
    struct chunk_kind k = chunk_kind(i);
    uint64_t n = (page - k.offset) >> k.order;
    *first = k.offset + (n << k.order);
    return k.first + (unsigned)n;
}

static inline uint64_t chunk_first(unsigned chunk, unsigned *order)
{
    unsigned i = 0;

    while (chunk < chunk_kind(i).first)
        i++;
    struct chunk_kind k = chunk_kind(i);
    *order = k.order;
    return k.offset + ((uint64_t)(chunk - k.first) << k.order);
}

/* The pages of a chunk that has been added become free. In the monitor, but for the first chunk. */
void allocator_add(unsigned chunk);
/* Whether there is a free block of 2^order pages: a hint. */
bool allocator_has(unsigned order);
/* Puts some of what was freed among the other free blocks; false: nothing is left to be put. */
bool allocator_settle(void);

/* By the first environment: session memory with its first chunks. 0 or -ENOMEM. */
int session_create(void);
/* At a program's start: false if its creator gave it none. Also in a fresh child of fork. */
bool session_join(void);
/* By the keeper: the network's chunk. -ENOMEM. */
int session_chunk_network(void);
/* The keeper's part, whenever it wakes: adds the chunks that are wanted. */
void session_keep(void);
