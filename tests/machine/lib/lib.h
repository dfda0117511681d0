/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tests' small world: no libOS, one image shared by every environment, TAP on the console. A test is a function
 * named after what it shows; free pages, claims, environments and slices are as many after each as before.
 */
#pragma once

#include <stdbool.h>

#include <aegis/aegis.h>
#include "my.h"

#define EXPOSED AEGIS_EXPOSED_STATE
#define RECORDS ((const volatile struct aegis_page *)AEGIS_EXPOSED_PAGES)
#define LEDGER ((const volatile struct aegis_claim *)AEGIS_LEDGER_VA)
#define AREA 0x20000000UL /* addresses for the tests' own mappings: 2 MiB apart is another leaf table */
#define FREE_SLOT 512     /* the tests' own slots from here to the ledger's end, 1,024 */
#define S(n) (FREE_SLOT + (n))
#define ANY AEGIS_ANY
#define NONE AEGIS_NONE
#define PAGES_ROOT AEGIS_SLOT_PAGES
#define ENVS_ROOT AEGIS_SLOT_ENVS

struct test {
    const char *name;
    void (*run)(void);
    unsigned harts; /* at least */
};
extern const struct test tests[];
extern const unsigned test_count;
extern const char *test_now;
extern unsigned long given_pages, given_cells; /* what a test has lent for ever, and what there is by that */

void lib_fail(const char *file, int line, const char *what, long got, long wanted);
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            lib_fail(__FILE__, __LINE__, #condition, 0, 1);                                        \
    } while (0)
#define EQUAL(got, wanted)                                                                         \
    do {                                                                                           \
        long g_ = (long)(got), w_ = (long)(wanted);                                                \
        if (g_ != w_)                                                                              \
            lib_fail(__FILE__, __LINE__, #got, g_, w_);                                            \
    } while (0)
/* The call's error. */
#define GIVES(call, error_) EQUAL((call).error, AEGIS_E_##error_)
#define DONE(call) EQUAL((call).error, 0)

/* A call again and again while it says AGAIN: its last result. */
#define UNTIL_DONE(call)                                                                           \
    ({                                                                                             \
        struct aegis_result r_;                                                                    \
        unsigned long n_ = 0;                                                                      \
        while ((r_ = (call)).error == AEGIS_E_AGAIN && n_++ < 3000000)                             \
            ;                                                                                      \
        r_;                                                                                        \
    })

void say(const char *format, ...); /* %s %d %lx %ld: one line to the output */
unsigned long now(void);
unsigned long milliseconds(unsigned long n); /* tenths of a slice: what they are with the default of 10 ms */
bool wait_for(bool (*over)(void *), void *argument, unsigned long ms); /* yields between looks */
/* Waits until *word >= value, a second at most. */
bool wait_word(const volatile unsigned long *word, unsigned long value);
void spin_ms(unsigned long ms);  /* without yielding */
void pause_ms(unsigned long ms); /* yielding */
void settle(void);               /* reaps until nothing is dying */

/* ---- assembly ---- */
long up_yield(void);
long up_yield_to(unsigned long env);
long up_wait(const struct aegis_predicate *p, unsigned long count, unsigned long deadline); /* 1: woken, see wake */
long pct_call(long number, long a, long b, long c, long d, long e, long *reply);
long up_send(long number, unsigned long message);
long message_call(long number);
void message_entry(void);
long probe_byte(unsigned long va), probe_read(unsigned long va), probe_write(unsigned long va), probe_execute(unsigned long va);
long registers_after(long number);
long raw_call(long number, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e);
unsigned long gp_get(void);
void just_return(void), illegal(void), take_breakpoint(void);
static inline struct my *my(void)
{
    return (struct my *)(gp_get() - AEGIS_GP);
}
static inline volatile struct aegis_activation *activation(void)
{
    return (volatile struct aegis_activation *)(gp_get() - AEGIS_GP);
}
#define SYNC(slot) (-1 - (long)(slot))
#define ASYNC(slot) (-1 - AEGIS_ENTRY_SLOTS - (long)(slot))

/* ---- environments ---- */

struct child {
    unsigned long slot;  /* of the claim on it */
    unsigned long index; /* of the environment */
    unsigned long k;     /* number, 0 .. */
    unsigned long slices[AEGIS_HARTS]; /* slots of the slices lent to it, or 0 */
    volatile struct my *my[AEGIS_HARTS]; /* its half pages, as the maker sees them while they are not lent */
};
#define CHILDREN 9

/* A page (or block) in a slot, mapped for reading and writing; returns its address's page number. */
unsigned long page_get(unsigned long slot, unsigned order);
void page_put(unsigned long slot);
/* A page's claim in slot S(n) that is dead, since another was re-keyed; that other is ended by dead_end. */
void dead_claim(unsigned n);
void dead_end(unsigned n);
/* An environment that shares the image and runs function(argument) on hart h when a slice of it begins there. */
void child_make(struct child *c, unsigned k);
void child_on(struct child *c, unsigned hart, void (*function)(long), long argument);
void child_slice(struct child *c, unsigned hart); /* a slice of hart for it, lent */
void child_start(struct child *c, unsigned k, unsigned hart, void (*function)(long), long argument);
void child_end(struct child *c);
/* How many of the maker's page slots the making of child k uses, from which on. */
unsigned long child_slot(unsigned k, unsigned n);
/* What the next activation of a child is filled with, beside the usual; 0: nothing. */
extern void (*child_prepare)(volatile struct aegis_activation *u, struct my *m);
extern unsigned child_stlb; /* order of the STLB that the next child is made with, instead of the usual page; 0: that */

bool env_gone(void *child); /* the environment of a struct child is dead */
/* A low slot (below 64) for entries. */
unsigned long low_slot(unsigned n);
extern unsigned long image_first, image_end;
