/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Installed filters, merged (README.md: the trie). One writer at a time; generated code may run on any hart meanwhile.
 * All memory is the caller's, given in dpf_init.
 */
#pragma once

#include "cells.h"
#include "filter.h"

#define DPF_SLOTS      2048 /* words that generated code jumps through; the first DPF_SLOTS_KEPT are fixed */
#define DPF_NUMBERS    2048 /* of filters */
#define DPF_CODE_MAX   768  /* instructions of a fragment at most */
#define DPF_RETIRED    512
#define DPF_RETIRED_ONCE 256 /* by one change at most: 32 atoms of up to 7 pieces */
#define DPF_PENDING    64   /* words to be published, by one change at most */
#define DPF_PROBE_MAX  8    /* steps in a table at most */
#define DPF_LOOK_MAX   256  /* states that dpf_rivals looks at, at most */

struct dpf_state;
struct dpf_test;

/*
 * What a word of the frame's is looked up in. Generated code and dispatch.S read it: offsets in dispatch.S. If the mask lies in
 * one byte there is a bucket for each value that this byte may have, found without a hash and without a look at its key.
 */
struct dpf_table {
    uint64_t hash;    /* index = key * hash >> shift; 0: direct, the byte of the key in which bit `shift` is, from this bit on */
    uint64_t shift;
    uint64_t *missed; /* the slot that a key that is not here goes on by */
    uint64_t empty;   /* the target of a bucket without a key: dispatch.S, on by `missed`; direct: as `gone` */
    uint64_t gone;    /* the same, of a key that was taken out: the run of keys goes on behind it */
    uint32_t size, used;
    struct dpf_bucket {
        union {
            uint64_t key;
            struct dpf_state *state; /* direct: where it leads */
        };
        uint64_t target; /* code */
    } bucket[]; /* direct: `size`; else size + DPF_PROBE_MAX + 1, the last one always empty, and behind them as many
                   struct dpf_state *, where each leads */
};
_Static_assert(offsetof(struct dpf_table, bucket) == 48, "TABLE_BUCKET in dispatch.S");
#define DPF_HASH 0x9e3779b97f4a7c15UL

struct dpf_code {
    uint32_t *at;  /* where it is written; it runs at `at` + code_delta */
    uint32_t size; /* bytes; 0: none */
};

/* What is looked at next: an atom without its value. */
struct dpf_test {
    struct dpf_atom atom; /* EQ: low = 0 */
    struct dpf_state *owner;
    struct dpf_test *next;  /* tried when this one did not lead to a match */
    struct dpf_state *edges; /* where its values lead. EQ: any number; else one */
    struct dpf_table *table; /* of more than one edge */
    struct dpf_code code;   /* of a fragment that begins here */
    uint32_t edge_count;
    uint16_t slot;       /* 0: none of its own. Where to go on when it fails, or its subtree does */
    uint16_t table_slot; /* where the table stands */
    struct dpf_code leave; /* what the slot holds when there is no other test: on by the next slot above */
    struct dpf_code gone;  /* of a table's: on by `slot` */
};

struct dpf_state {
    struct dpf_test *via; /* the test that leads here; null: the root */
    uint64_t key;         /* by this value of it, as the load gives it */
    struct dpf_state *next, *prev; /* of the same test */
    struct dpf_test *tests;
    uint32_t accepts; /* filter + 1 that ends here, or 0 */
    uint16_t depth;   /* atoms so far */
    uint8_t level;    /* shifts so far */
    uint8_t align;    /* of the base: 2^(align >> 4), remainder align & 15 */
    uint16_t entry_slot; /* 0: reached by falling into it, or by a table */
    uint16_t spare;
    struct dpf_code code;   /* accepting, of a state without tests that a table leads to */
    struct dpf_code accept; /* what the last of its tests goes on to */
};

/* What generated code is called with, and jumps through; then, for dispatch.S, when the filters were installed. */
struct dpf_run {
    uint64_t slot[DPF_SLOTS];
    uint32_t age[DPF_NUMBERS + 1]; /* by number + 1; of two that are younger than 2^31 installations the later one's is more */
};
_Static_assert(offsetof(struct dpf_run, age) == 8 * 2048, "AGES in dispatch.S");
enum dpf_slot {
    DPF_SLOT_START,    /* where a run begins: the root's fragment, or start_more */
    DPF_SLOT_DISPATCH, /* dispatch.S: looks a key up */
    DPF_SLOT_DONE,     /* dispatch.S: nothing is left to try */
    DPF_SLOT_ROOT,     /* the root's fragment */
    DPF_SLOTS_KEPT,
};

/* Addresses in dispatch.S. */
struct dpf_helpers {
    uint64_t dispatch, missed, done, start_more;
};

struct dpf {
    struct dpf_run *run;
    struct cells data, code;
    long code_delta;           /* address at which code runs, less that at which it is written */
    struct dpf_helpers helpers;
    struct dpf_state root;
    uint32_t filters;          /* installed */
    uint32_t installations;
    uint32_t alternatives;     /* states with more than one way on: then accepting has to look further */
    uint64_t slot_used[DPF_SLOTS / 64];
    uint8_t last[DPF_SLOTS];   /* of a slot in which a direct table stands: its last bucket; of others 0 */
    /* What was replaced and may still be in use; dpf_reclaim frees it. */
    struct dpf_retired {
        struct cells *pool;
        void *at;
        size_t bytes;
    } retired[DPF_RETIRED];
    uint32_t retired_count;
    /* What a change is to publish; dpf_commit stores it. */
    struct dpf_pending {
        uint64_t *at, value;
    } pending[DPF_PENDING];
    uint32_t pending_count;
    uint32_t buffer[DPF_CODE_MAX]; /* a fragment while it is made */
};

/*
 * `data` and `code`: memory for cells (aligned to 64), with `bits` words of bitmap for both. The frame given to compiled
 * code lies 2 bytes behind a multiple of 8 (its IP header is aligned).
 */
void dpf_init(struct dpf *d, struct dpf_run *run, void *data, uint32_t data_cells, void *code, uint32_t code_cells,
              long code_delta, uint64_t *bits, const struct dpf_helpers *helpers);

/* Memory for one that began with none (cells: 0; bits: two words) and has no filters; running code goes on meanwhile. */
void dpf_memory(struct dpf *d, void *data, uint32_t data_cells, void *code, uint32_t code_cells, long code_delta, uint64_t *bits);
/*
 * Installs a filter that dpf_check has passed, under a number below DPF_NUMBERS. 0, or DPF_DUPLICATE, DPF_NO_MEMORY,
 * DPF_COLLISIONS, DPF_INVALID, DPF_AGAIN (a change before it is not committed, or much is retired); what matches whom has not changed then.
 * New code is written, and running code does not reach it yet: when every hart would see it (fence.i), dpf_commit, also after an error.
 */
int dpf_insert(struct dpf *d, const struct dpf_filter *filter, uint32_t number);
/* Takes it out, likewise. 0, or DPF_NO_FILTER, DPF_NO_MEMORY, DPF_AGAIN. */
int dpf_remove(struct dpf *d, const struct dpf_filter *filter);
/* Publishes the last change: a few words, each of which leaves code that is right. */
void dpf_commit(struct dpf *d);
/* Frees what is retired. The change is committed, and no hart runs code from before that. */
void dpf_reclaim(struct dpf *d);
/* What else is to be free at the next dpf_reclaim. */
void dpf_retire(struct dpf *d, struct cells *pool, void *at, size_t bytes);

/*
 * Installed filters that may match a frame of `filter`'s and would lose it to that one, having no more atoms than it: how
 * many, their numbers in `rival`; or DPF_RIVALS: more than `max`, or too many to look at. May name some that lose nothing.
 */
int dpf_rivals(const struct dpf *d, const struct dpf_filter *filter, uint32_t *rival, unsigned max);

/* The number + 1 of the winner, by walking the trie: what compiled code must say too. 0: none. */
uint32_t dpf_walk(const struct dpf *d, const uint8_t *frame, size_t length);

/* What compiled code returns: depth << 24 | number + 1, or 0. */
#define DPF_RESULT_NUMBER(result) ((uint32_t)((result) & 0xffffff))

/* dispatch.S: compiled code applied to a frame. */
uint64_t dpf_run(const uint8_t *frame, size_t length, const struct dpf_run *run);

/* ---- for generate.c ---- */

/* The slot that a test's failing, or its subtree's, goes on by: its own, or the nearest one above. */
unsigned dpf_slot_of(const struct dpf_test *t);
/* Whether a fragment that comes to this state goes on through it, or leaves it by its slot. */
static inline bool dpf_state_joins(const struct dpf_state *s)
{
    return s->tests && (s->accepts || s->tests->next);
}
