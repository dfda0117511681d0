/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's state: who owns what, and under which lock. Lock order: environments by index, then pages. */
#pragma once

#include "machine.h"

typedef uint32_t pfn_t;      /* physical page number */
typedef struct aegis_result result_t;

#define OK_VALUE(v) ((result_t){0, (unsigned long)(v)})
#define PAGE_SIZE AEGIS_PAGE_SIZE

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define COLD __attribute__((noinline, cold)) /* so that a quick path beside it needs no stack */

/* A refusal; a debug build says on the log which check it was. */
#ifdef AEGIS_DEBUG
#define REFUSED(name) (machine_refused(__func__, __LINE__, #name), AEGIS_E_##name)
#else
#define REFUSED(name) AEGIS_E_##name
#endif
#define FAIL(name) ((result_t){REFUSED(name), 0})

/* A check that refuses, by an error's name: in what returns an error; in what returns a call's result. */
#define REFUSE_AS(condition, result)                                                               \
    do {                                                                                           \
        if (condition)                                                                             \
            return result;                                                                         \
    } while (0)
#define REFUSE_IF(condition, name) REFUSE_AS(condition, REFUSED(name))
#define REFUSE_CALL_IF(condition, name) REFUSE_AS(condition, FAIL(name))

/* Ticket lock: fair, so with constant holding times and 8 harts every wait is bounded. Interrupts are off. */
struct lock {
    int32_t serving, next; /* signed: as the instructions leave them; they wrap */
};

static inline void lock_take(struct lock *l)
{
    int32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
    while (__builtin_expect(__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket, 0))
        machine_relax();
}

static inline bool lock_try(struct lock *l)
{
    int32_t ticket = __atomic_load_n(&l->serving, __ATOMIC_RELAXED);
    return __atomic_compare_exchange_n(&l->next, &ticket, ticket + 1, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static inline void lock_give(struct lock *l)
{
    __atomic_fetch_add(&l->serving, 1, __ATOMIC_RELEASE);
}

/* A page table entry (privileged ISA, 4.4.1). RSW holds the claim's W and X: map_protect need not look it up. */
#define PTE_V 0x001
#define PTE_R 0x002
#define PTE_W 0x004
#define PTE_X 0x008
#define PTE_U 0x010
#define PTE_A 0x040
#define PTE_D 0x080
#define PTE_MAY_W 0x100
#define PTE_MAY_X 0x200
#define PTE_RWX (PTE_R | PTE_W | PTE_X)
#define PTE_PAGE(pte) ((pfn_t)((pte) >> 10))

#define LEAF_POOL 92
#define ENV_DEPTH 15 /* controllers above an environment that are remembered: the nearest, and the first of all */

/* A leaf table (lent pair: table, and after it the shadow, a slot for each entry). `region` = va >> 21, or ~0: spare */
struct leaf {
    uint32_t page;
    uint32_t region;
    uint32_t stamp; /* of limbo: no hart may still use it after this */
};

/* A predicate as slice_wait found it: it holds when the word lies in [low, low + last], counted round. */
struct condition {
    const void *word;
    uint64_t low, last;
    uint64_t what, check; /* of the claim that it was found under */
    uint32_t slot;
    uint16_t width, quick; /* quick: 8 bytes of what is exposed */
};

/* The kernel's page of an activation: read and written on its own hart, but where said otherwise. */
struct activation {
    /* the trap paths' (K_* in riscv/offsets.h) */
    uint64_t t1, t2, t3, t4, t5; /* of the refill path */
    uint64_t sp, ra;             /* the caller's, while C runs */
    uint64_t stack;              /* the hart's kernel stack */
    uint64_t calls;              /* dispatch table */
    uint64_t uva;                /* the environment's page, as it sees it */
    uint64_t badge;
    uint64_t satp;
    uint64_t gate;    /* satp while open, 0 while closed */
    uint64_t run;     /* satp if a slot of it may begin at once, 0: C must look (sleeping, attention, transfer) */
    uint64_t caller;  /* struct activation *: of the open synchronous transfer into this one */
    uint64_t resume;  /* PC of an outstanding synchronous transfer out of this one, bit 0: counted; 0: none */
    uint64_t phase;   /* 0 running, 1 in grace after the slice-end upcall, 2 in grace while masked; + 2 each time it began anew */
    struct hart *hart;
    uint64_t sstatus;
    uint64_t stlb, stlb_mask; /* entries, direct map; mask of an entry's offset in bytes */
    uint64_t ledger;          /* env->ledger */
    uint64_t pages;           /* page records, biased: that of page p is at pages + 24 * p */
    uint64_t leaf_region, leaf_table, leaf_shadow; /* the last leaf table used, for refills; cleared by whoever takes it away */
    uint64_t attention;       /* ATTENTION_*: set by anybody, atomically */
    uint64_t age;             /* slots since the outstanding transfer went out */
    uint64_t entry[2 * AEGIS_ENTRY_SLOTS]; /* struct activation * on this hart, or the null one: see pct.h */
    /* C's */
    struct env *env;
    uint64_t last; /* number of the last call that was more than a few instructions, for the dump */
    uint32_t *sleeping; /* the exposed word that says so */
    pfn_t page; /* of the lower half */
    uint32_t index;
    uint64_t overruns;     /* in a row */
    uint64_t overrun_time; /* of the last one */
    uint64_t grace_pc;     /* where it stood when grace began while masked */
    uint64_t forfeits;     /* slots to lose */
    uint64_t gone;         /* badge of the caller that died */
    uint64_t deadline;     /* of slice_wait; ~0: none */
    uint64_t predicates;
    struct condition condition[AEGIS_PREDICATES];
};
_Static_assert(sizeof(struct activation) <= PAGE_SIZE, "activation");

#define ATTENTION_DIE 1     /* its environment is dying */
#define ATTENTION_REVOKE 2  /* deliver the revocation upcall */
#define ATTENTION_GONE 4    /* the caller died: caller_gone */
#define ATTENTION_EMERGENCY 8
#define ATTENTION_DEAD 16   /* an outstanding transfer is to end with DEAD */
#define ATTENTION_COUNTED 32  /* `resume` is marked: pct_return takes its slower way, which strips it */
#define ATTENTION_LATER 64  /* handlers may be to be run on its hart later: its next slot begins in C, which looks */

static inline struct aegis_activation *activation_user(struct activation *a)
{
    return (struct aegis_activation *)((char *)a - PAGE_SIZE);
}

/* An environment's lent record. Under its lock, but `mask`. */
struct env {
    struct lock lock;     /* offsets E_* in riscv/offsets.h up to `mask` */
    uint64_t asid;        /* index, or 0 on a machine without address-space ids */
    uint64_t leaf_region; /* the last leaf that C used: va >> 21, ~0: none */
    uint64_t *leaf_table;
    uint32_t mask;        /* bit h: hart h may hold translations */
    uint32_t index;
    uint32_t ledger_pages;
    uint32_t tables; /* pages used of the window's table part */
    uint32_t stlb_order;
    uint64_t satp;
    uint64_t *root;
    uint64_t *pinned;  /* the window's table */
    uint64_t *stlb;
    uint64_t stlb_mask; /* entries - 1 */
    uint32_t middles;   /* middle tables lent beyond the first */
    uint32_t large;     /* it has mapped superpages: the tables above the leaves are not tracked */
    uint32_t leaf_count;
    uint32_t leaf_hand; /* where recycling goes on */
    uint32_t stamp;     /* of limbo: the newest change of rights that other harts must see */
    uint32_t phase;     /* progress of destruction (destroy.c) */
    uint32_t step;
    uint32_t empty;     /* tables that go back all zero */
    uint32_t depth;     /* controllers above it */
    uint64_t check;     /* own identity */
    uint64_t above[ENV_DEPTH]; /* those of its controllers, the nearest first */
    struct activation *activation[AEGIS_HARTS];
    uint32_t reserve_first, reserve_count;
    uint32_t held[16];      /* claims by type, roots included */
    uint32_t revoke_type;   /* of the outstanding request; 0: none */
    uint32_t revoke_target; /* claims of that type it may keep */
    uint32_t revoke_cursor; /* where revoke_force goes on */
    uint32_t revoke_last;   /* the emergency was announced */
    uint64_t revoke_deadline;
    uint16_t shadow[AEGIS_PINNED_TABLES]; /* slots of the pinned window's pages */
    struct leaf leaf[LEAF_POOL];
    struct aegis_claim *ledger[AEGIS_LEDGER_PAGES];
};
_Static_assert(sizeof(struct env) <= PAGE_SIZE, "env");

#define FOR_ACTIVATIONS(e, h, a)                                                                   \
    for (unsigned h = 0; h < AEGIS_HARTS; h++)                                                     \
        for (struct activation *a = (e)->activation[h]; a; a = NULL)

/* One position of a hart's vector. */
struct slot {
    struct slot *next; /* round the owned positions; alone: itself */
    struct activation *runs; /* never null: an unowned slot has the null activation */
    uint64_t linked;
};

struct hart {
    struct slot *slot;    /* the current one */
    uint64_t slice_ticks; /* offsets H_* in riscv/offsets.h up to `bit` */
    uint64_t grace_ticks;
    uint64_t ack;         /* the newest epoch that this hart has flushed after */
    uint64_t epoch;       /* &kernel.epoch, for the trap path */
    struct activation *null; /* what `sscratch` points at while nobody runs */
    struct activation *work; /* to be unlinked here before the next acknowledgement (env.c) */
    uint32_t bit;         /* 1 << index */
    uint32_t index;
    struct aegis_hart *shown; /* what everybody sees of it */
    struct activation *fp; /* owner of the FP unit, or null */
    uint32_t parked; /* in machine_idle: holds nothing, and flushes before it enters anybody */
    uint64_t asked;  /* the newest epoch of which it was told */
    uint64_t again;  /* time at which handlers are to be run on it, plus 1; 0: never, 1: look (dev/handler.c) */
    struct slot *ring;    /* some owned position, or `none` */
    struct slot none;     /* alone in the ring while no position has an owner */
    struct slot slots[AEGIS_SLICES];
};

/* The kernel. `exposed` lies in pages that every environment maps; the rest in the secret section. */
struct kernel {
    uint64_t key[2];
    uint64_t check;  /* the generator's counter */
    uint64_t epoch;  /* of limbo; stamps keep 32 bits of it */
    struct lock page_lock; /* records, free lists, claims and pins falling to zero */
    struct lock table_lock; /* environments' indices, slice vectors; claims and checks of all but pages */
    struct lock console_lock;
    uint64_t entry_check[AEGIS_ENVS];
    uint64_t irq_check[AEGIS_IRQS]; /* 0: nobody's */
    uint32_t irq_claims[AEGIS_IRQS];
    uint32_t filter_claims[AEGIS_FILTERS], endpoint_claims[AEGIS_ENDPOINTS];
    uint32_t slice_claims[AEGIS_HARTS][AEGIS_SLICES];
    uint32_t uncounted; /* claims on what is never free */
    uint32_t env_next[AEGIS_ENVS]; /* of the dying, from exposed.dying on */
    uint32_t orphans; /* below this index there may be environments that nobody can make run any more; reap looks */
    uint64_t single_check[AEGIS_TYPES]; /* console, machine, and the roots of each type */
    uint64_t root_check[AEGIS_TYPES];
    uint32_t online; /* bit h: hart h runs */
    struct env *env[AEGIS_ENVS];       /* alive, or dying and not yet cut off */
    struct lock reap_lock;             /* steps of destruction, clearing ahead; before the others but an environment's */
    struct env *dying[AEGIS_ENVS];     /* until the last step */
    struct hart hart[AEGIS_HARTS];
};

extern struct kernel kernel;
extern struct aegis_exposed exposed;
extern struct aegis_page *pages; /* biased: pages[pfn] */

typedef result_t (*call_t)(unsigned long, unsigned long, unsigned long, unsigned long, unsigned long);

enum { CALL_COUNT = AEGIS_CALLS };
