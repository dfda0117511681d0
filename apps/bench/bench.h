/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <aegis/aegis.h>



/* What QEMU's counter makes of an instruction that traps: ecall and ebreak count; a load does not until it is done. */
#define TRAPPED 1
#define FAULTED 0
#define LOADED 1

static inline unsigned long instret(void)
{
    unsigned long n;
    __asm__ volatile("rdinstret %0" : "=r"(n)::"memory");
    return n;
}

static inline unsigned long time_now(void)
{
    unsigned long n;
    __asm__ volatile("rdtime %0" : "=r"(n)::"memory");
    return n;
}

/* paths.S: each returns the difference of the readings. */
unsigned long count_nothing(void);
unsigned long count_null(void);
unsigned long count_call(unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e,
                         unsigned long number, struct aegis_result *result);
unsigned long count_exception(void);
unsigned long count_fault(unsigned long address);
unsigned long count_load(unsigned long before, unsigned long address);
unsigned long count_yield(void);
unsigned long count_yield_to(unsigned long env);
unsigned long count_slice_end(unsigned long from);
unsigned long count_revoke(unsigned long root, unsigned long env, unsigned long count, unsigned long deadline);
long count_pct(long number, unsigned long counts[2]);
/* Until idling has cleared as many pages ahead as the kernel wants: what is counted afterwards does not pay for them. */
void settle(void);
long leave(unsigned long a, unsigned long b, unsigned long c, unsigned long number);
void lost(void);
void partner_begin(void);
void sleeper_begin(void);
void busy_begin(void);
void given_begin(void);
void waiter_begin(void);
void partner_entry(void);
extern struct aegis_predicate conditions[]; /* of waiter_begin; AEGIS_PREDICATES */
extern unsigned long counted;
extern char writable[]; /* bench.ld: data starts here */
extern unsigned long boot_count;

void report(const char *name, unsigned long value);
_Noreturn void fail(const char *what, long value);
_Noreturn void main_lost(void);
void partner_main(void);
int main(void);

/* ---- common.c ---- */

#define SPARE_VA 0x30160000UL /* nothing is there between two uses */

/* An environment with the same image. */
struct partner {
    unsigned slot; /* the claim on it */
    unsigned lent[AEGIS_ENV_LENT], activation;
};

extern unsigned slot_next;
extern volatile struct aegis_capability partner_capability;

_Noreturn void end(int status);
/* A call that cannot be refused, or the run ends. */
struct aegis_result must(struct aegis_result r, const char *what);
unsigned slot_take(void);
unsigned page_new(unsigned order);
/* The lower page of an activation to lend. */
void activation_fill(unsigned slot, unsigned long index, void (*begin)(void));
void partner_pages(struct partner *p);
unsigned long partner_create(struct partner *p);
void partner_destroy(struct partner *p);
void partner_start(struct partner *p, void (*begin)(void));

/* A call until it is through, with all its steps. */
#define ALL_STEPS(call)                                                                            \
    ({                                                                                             \
        struct aegis_result r_;                                                                    \
        do                                                                                         \
            r_ = (call);                                                                           \
        while (r_.error == AEGIS_E_AGAIN);                                                         \
        must(r_, #call);                                                                           \
    })

/* The kernel's instructions in one call: less the first reading and the ecall. */
#define COUNT(call, a, b, c, d, e)                                                                 \
    ({                                                                                             \
        struct aegis_result r_;                                                                    \
        unsigned long n_ = count_call(a, b, c, d, e, AEGIS_CALL_##call, &r_) - 2;                  \
        must(r_, #call);                                                                           \
        n_;                                                                                        \
    })
