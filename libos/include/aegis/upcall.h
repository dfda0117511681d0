/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Upcalls as the libOS takes them, and what a thread's state looks like while it does not run.
 *
 * Half of the environment's page of an activation is its own (`user`, the 2 KiB below gp); `struct
 * hart_area` lies there.
 */
#pragma once

#include <aegis/env.h>

/* struct context */
#define C_PC    0
#define C_X(n)  (8 * (n)) /* x1 .. x31 */
#define C_CAUSE 256
#define C_VALUE 264
#define C_GP    272 /* of the activation that it runs on, while it runs */
#define C_CALLED 280
#define C_SIZE  288

/* struct hart_area; H(x) is the offset from gp */
#define H_CURRENT         0
#define H_RETURN_SP       8
#define H_RETURN_PC       16
#define H_EXCEPTION_STACK 24
#define H_SLICE_STACK     32
#define H_NUMBER          40
#define H_SCRATCH         48
#define H_RESTORING       56
#define H_STAY            64
#define H_VECTOR          72
#define H_FRAME           200
#define H_ENDED           1064
#define H_BACK_FROM       1072
#define H_BACK_PC         1080
#define H_BACK_SP         1088
#define H(offset)         (U_USER + (offset))

#ifndef __ASSEMBLER__
#include <stdint.h>

struct thread;

struct context {
    uint64_t pc;
    uint64_t x[31]; /* x1 .. x31; x[CONTEXT_X(n)] is xn */
    uint64_t cause; /* of an exception: scause and stval */
    uint64_t value;
    uint64_t gp;
    uint64_t called; /* not 0: by its own call (context_call); only what a callee keeps is there */
};
#define CONTEXT_X(n) ((n)-1)
#define CONTEXT_SP   CONTEXT_X(2)
#define CONTEXT_A0   CONTEXT_X(10)

struct hart_area {
    struct context *current; /* of the thread that runs on this hart; never null */
    uint64_t return_sp;      /* the last two registers of a return in progress */
    uint64_t return_pc;
    uint64_t exception_stack; /* its top */
    uint64_t slice_stack;
    uint64_t number; /* the hart's */
    uint64_t scratch;
    struct context *restoring; /* by context_restore */
    uint64_t stay;             /* not 0: the return in progress goes to masked code */
    uint64_t vector[16];       /* exception handlers by cause */
    struct context frame;      /* of the exception being handled */
    struct context forced;     /* what the kernel saved when we overran */
    struct context pushed;     /* a context made up for the thread that is about to run */
    uint64_t ended;            /* `time` at the end of the last slice */
    const struct context *back_from; /* by context_back */
    uint64_t back_pc, back_sp;
    struct thread *fp_owner;   /* whose state the unit holds; null: nobody's */
    uint64_t sleeping;         /* no thread runs: slice_wait for all of them */
    uint64_t alone;            /* then: where the comparisons of `current` begin, if only that one waits */
    uint64_t stopped;          /* by a signal: it waits until that is over */
};

_Static_assert(__builtin_offsetof(struct context, cause) == C_CAUSE, "context");
_Static_assert(__builtin_offsetof(struct context, gp) == C_GP, "context");
_Static_assert(__builtin_offsetof(struct context, called) == C_CALLED, "context");
_Static_assert(sizeof(struct context) == C_SIZE, "context");
_Static_assert(__builtin_offsetof(struct hart_area, scratch) == H_SCRATCH, "hart area");
_Static_assert(__builtin_offsetof(struct hart_area, vector) == H_VECTOR, "hart area");
_Static_assert(__builtin_offsetof(struct hart_area, frame) == H_FRAME, "hart area");
_Static_assert(__builtin_offsetof(struct hart_area, ended) == H_ENDED, "hart area");
_Static_assert(__builtin_offsetof(struct hart_area, back_sp) == H_BACK_SP, "hart area");
_Static_assert(sizeof(struct hart_area) <= sizeof(((struct aegis_activation *)0)->user),
               "hart area");

#define HART_AREA(activation)     ((struct hart_area *)((activation)->user))
#define ACTIVATION_GP(activation) ((uint64_t)(activation) + AEGIS_GP)
#define GP_ACTIVATION(gp)         ((struct aegis_activation *)((gp)-AEGIS_GP))

/* scause of the exceptions that reach an application. */
enum upcall_cause {
    CAUSE_FETCH_MISALIGNED = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15,
};

/*
 * Gives exceptions of one cause (on the calling hart) to a handler of the application's own, in a
 * few instructions. Null brings the libOS's back. Errors: -1 for a cause above 15.
 *
 * The handler is assembly (or a naked function) in pinned memory. At entry all registers are the
 * interrupted code's, but: gp = the middle of the activation's page (aegis/env.h), sp = free to
 * use; upcalls are masked, and `masked` holds the interrupted code's sp; the exception stands in
 * exc_cause, exc_pc, exc_value. It ends by jumping to `aegis_upcall_return` with all registers as
 * they shall be, but gp as at entry and sp = the PC to go on at; or to `aegis_upcall_default`, with
 * all as at entry. One that is still running when the grace time is over starts anew: what it does
 * to registers and memory must bear that.
 */
int aegis_upcall_set(unsigned cause, void (*handler)(void));
void aegis_upcall_return(void);
void aegis_upcall_default(void);

/*
 * What an incoming protected control transfer does (synchronous, asynchronous): the handler, in
 * pinned memory, is entered as env.h says ("entry"). Null: transfers are sent straight back. On the
 * calling hart.
 */
void aegis_entry_set(void (*synchronous)(void), void (*asynchronous)(void));

/*
 * A synchronous protected control transfer through a claimed entry (a slot below
 * AEGIS_ENTRY_SLOTS). `message` is what flows, there and back: a0-a6, s0-s11, t3-t6 in this order.
 * Returns 0, or an error of the transfer: BUSY, DEAD, TIMEOUT, or that of a bad slot.
 */
#define AEGIS_MESSAGE 23
long aegis_pct(unsigned slot, uint64_t message[AEGIS_MESSAGE]);

/* The activation on which the calling thread runs now; it may be another one a moment later. */
struct aegis_activation *aegis_activation_current(void);

/* Code, data and zeroed data in the pinned window: what runs or is touched while upcalls are
 * masked. */
#define PINNED_CODE  __attribute__((section(".pinned.text"), noinline))
#define PINNED_INLINE __attribute__((always_inline)) static inline /* where it is called from pinned code */
#define PINNED_DATA  __attribute__((section(".pinned.data")))
#define PINNED_CONST __attribute__((section(".pinned.rodata")))
#define PINNED_BSS   __attribute__((section(".pinned.bss")))
/* Zeroed data that tells of this environment, not of the process: a child of fork has its own. */
#define PINNED_OWN   __attribute__((section(".pinned.own,\"aw\",@nobits#")))
/* The same for what stays when another program begins here (proc/again.h): of no use to anybody else. */
#define PINNED_KEPT  __attribute__((section(".pinned.kept,\"aw\",@nobits#")))
/* Zeroed data that is large and seldom used: it lies apart from what every process writes. Not pinned. */
#define SELDOM_BSS   __attribute__((section(".large,\"aw\",@nobits#")))
#endif
