/* SPDX-License-Identifier: BSD-2-Clause */
/* What the model's parts share: the reference, chance, and how a call is made and judged. */
#pragma once

#include <string.h>

#include "../../exokernel/core/map.h"
#include "../host/world.h"

#define PAGES_ALL 1024
#define ENVS 6
#define SLOTS 256
#define CAPABILITIES 64
#define ARGS (AEGIS_PINNED + 16UL * PAGE_SIZE) /* a guaranteed mapping */
#define TRACE 40

/* ---- the reference ---- */

struct ref_claim {
    uint64_t what; /* 0: none */
    uint64_t birth; /* of the resource; another one now: the claim is dead */
    bool mapped, moving; /* moving: a call answered AGAIN and was given up */
    unsigned long va;
};

struct ref_env {
    bool alive, known; /* known: somebody may still name it */
    uint32_t index;
    int parent;
    uint64_t birth, entry_birth;
    unsigned slots;
    unsigned leaves;
    bool middle[256]; /* a middle table for each GiB */
    struct ref_claim claim[SLOTS];
};

struct ref_block {
    bool used, lent, private;
    unsigned order;
    uint64_t birth;
    int lent_to;
};

struct ref_capability {
    uint64_t what, mac, birth;
};

extern struct ref_env env[ENVS];
extern struct ref_block block[PAGES_ALL]; /* by first page */
extern uint64_t slice_birth[AEGIS_SLICES], root_birth[AEGIS_TYPES];
extern struct ref_capability capability[CAPABILITIES];
extern uint64_t births;
extern uint64_t seed, first_seed, calls;
extern int who; /* the environment that calls, and its hart */
extern unsigned hart;
extern uint64_t made[AEGIS_CALLS], done[AEGIS_CALLS]; /* by call: all, and those that succeeded */

/* The last calls, for when one is wrong. */
extern struct traced { uint64_t n; int who; unsigned hart, number; unsigned long x[5]; long error; unsigned long value; } trace[TRACE];
extern const char *const names[];

#define EXPECT(condition, why)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail(why);                                                                             \
    } while (0)

#define C(name, a, b, c, d, e) call(AEGIS_CALL_##name, a, b, c, d, e)
#define MUST(condition) EXPECT((r.error == 0) == (condition), r.error ? "a call that must succeed failed" : "a call that must fail succeeded")

/* ---- reference.c ---- */
uint64_t *birth_of(uint64_t what);
struct ref_block *block_of(uint64_t what);
bool live(const struct ref_claim *c);
int env_named(uint64_t what);
unsigned claims_on(uint64_t birth, unsigned type, uint32_t resource);
bool ancestor(int of, uint64_t what);
int controlled(int who, unsigned long slot);
bool holds(int who, unsigned long slot, unsigned type, unsigned rights);
bool empty(int who, unsigned long slot);
unsigned long env_slot(void);
unsigned long free_slot(void);
unsigned long lend_slot(unsigned order);
unsigned long used_slot(int i);
void settle_block(struct ref_block *b);
void settle_env(int i);
void ref_drop(int who, unsigned long slot);
void ref_claim(int who, unsigned long slot, uint64_t what);
void ref_die(int i);

/* ---- chance.c ---- */
void fail(const char *why);
uint64_t random64(void);
unsigned below(unsigned n);
bool chance(unsigned one_in);
unsigned long hostile(void);
unsigned long some_slot(void);
unsigned long some_va(void);

/* ---- check.c ---- */
void check_entry(int i, const struct env *e, unsigned long va, uint64_t pte);
void check_ledger(int i, unsigned slot);
void check_env(int i);
void check_block(uint32_t p);
void check_all(void);

/* ---- claims.c ---- */
extern unsigned long *args; /* the first environment's page for vectors */
void run_as(int i, unsigned h);
result_t call(unsigned number, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e);
bool covers(unsigned long root, unsigned long name, unsigned long order);
void do_page_alloc(void);
void do_release(void);
void do_capability(void);
void do_claim(void);
void do_share(void);

/* ---- maps.c ---- */
void do_map(void);
void do_map_vector(void);
void do_unmap(void);
void do_exchange(void);
void do_protect(void);

/* ---- envs.c ---- */
bool lendable(int i, unsigned long slot, unsigned order);
void adopt(unsigned i);
void do_table_lend(void);
void do_activation_lend(void);
void do_env_create(void);
void do_env_destroy(void);

/* ---- others.c ---- */
void do_rekey(void);
void do_alloc(void);
void do_others(void);
void do_vanish(void);

/* ---- model.c ---- */
void bury_orphans(void);
