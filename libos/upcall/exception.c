/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions: page faults go to the pager, the rest (and what the pager refuses) to the thread
 * itself, as a signal: the interrupted context is put on its stack, and it goes on in
 * fault_entry(), unmasked, as ordinary code.
 */
#include <signal.h>

#include <aegis/pager.h>

#include "../posix/fault.h"
#include "../posix/user.h"
#include "../sched/thread.h"
#include "../session/session.h"
#include "last_words.h"
#include "upcall_asm.h"

#define FAULT_STACK 16384
#define RED_ZONE    256
#define CALL_ROOM   1024

/* Where a thread whose stack is gone says so. */
static uint8_t fault_stack[FAULT_STACK] __attribute__((aligned(16)));

PINNED_CODE static unsigned access_of(uint64_t cause)
{
    return cause == CAUSE_FETCH_PAGE ? AEGIS_X : cause == CAUSE_LOAD_PAGE ? AEGIS_R : AEGIS_W;
}

PINNED_CODE static int is_page_fault(uint64_t cause)
{
    return cause == CAUSE_FETCH_PAGE || cause == CAUSE_LOAD_PAGE || cause == CAUSE_STORE_PAGE;
}

PINNED_CODE static int signal_of(uint64_t cause)
{
    switch (cause) {
    case CAUSE_ILLEGAL:
        return SIGILL;
    case CAUSE_BREAKPOINT:
        return SIGTRAP;
    case CAUSE_FETCH_MISALIGNED:
    case CAUSE_LOAD_MISALIGNED:
    case CAUSE_STORE_MISALIGNED:
        return SIGBUS;
    default:
        return SIGSEGV;
    }
}

#define TOUCH_TRIES 4096

/* Populates [va, va + size), so that masked code can store there. */
PINNED_CODE static int touch(uintptr_t va, uintptr_t size)
{
    uintptr_t end = va + size;

    for (va &= ~(uintptr_t)(AEGIS_PAGE_SIZE - 1); va < end; va += AEGIS_PAGE_SIZE) {
        unsigned tries = 0;
        do {
            if (pager_fault(va, AEGIS_W) || ++tries == TOUCH_TRIES)
                return -1;
        } while (pager_restore(va, AEGIS_W));
    }
    return 0;
}

/* Room for a context, and for the first calls of who gets it. */
PINNED_CODE static struct context *push_room(uint64_t sp)
{
    uint64_t va = (sp - RED_ZONE - sizeof(struct context)) & ~15UL;

    if (sp < AEGIS_PAGE_SIZE || sp > AEGIS_EXPOSED || sp - AEGIS_PINNED - 1 < AEGIS_PINNED_SIZE)
        return 0;
    return touch(va - CALL_ROOM, sizeof(struct context) + CALL_ROOM) ? 0 : (struct context *)va;
}

PINNED_CODE int context_push(struct context *c, void (*function)(struct context *, long),
                             long argument)
{
    struct context *saved = push_room(c->x[CONTEXT_SP]);

    if (!saved)
        return -1;
    *saved = *c;
    c->pc = (uint64_t)function;
    c->x[CONTEXT_SP] = (uint64_t)saved;
    c->x[CONTEXT_A0] = (uint64_t)saved;
    c->x[CONTEXT_A0 + 1] = (uint64_t)argument;
    return 0;
}

void context_return(const struct context *saved)
{
    extern const char context_return_trap[];
    register const struct context *a0 __asm__("a0") = saved;
    __asm__ volatile(".globl context_return_trap\n"
                     "context_return_trap: ebreak"
                     :
                     : "r"(a0)
                     : "memory");
    __builtin_unreachable();
    (void)context_return_trap;
}

PINNED_CODE static void deliver(struct context *frame, int signal)
{
    if (context_push(frame, fault_entry, signal)) {
        uint64_t sp = frame->x[CONTEXT_SP];
        frame->x[CONTEXT_SP] = (uint64_t)(fault_stack + FAULT_STACK);
        if (context_push(frame, fault_entry, signal))
            last_words(PINNED_TEXT("fault without a stack at "), frame->pc, frame->value);
        ((struct context *)frame->x[CONTEXT_A0])->x[CONTEXT_SP] = sp;
        frame->x[CONTEXT_A0 + 1] = (uint64_t)signal | FAULT_NO_STACK;
    }
}

/* Session memory is no pager's. A place that may name what is not there has its own way on. */
PINNED_CODE static int fault(struct context *frame)
{
    if (session_fault(frame->value) == 0)
        return 0;
    int signal = pager_fault(frame->value, access_of(frame->cause));
    if (signal && pc_within(frame->pc, user_access_begin, user_access_end)) {
        frame->pc = (uint64_t)user_access_failed;
        signal = 0;
    }
    return signal;
}

PINNED_CODE void exception_handle(struct context *frame, struct aegis_activation *activation)
{
    extern const char context_return_trap[];
    int signal;

    if (is_page_fault(frame->cause)) {
        signal = fault(frame);
    } else if (frame->cause == CAUSE_BREAKPOINT && frame->pc == (uint64_t)context_return_trap) {
        *frame = *(const struct context *)frame->x[CONTEXT_A0];
        signal = 0;
    } else if (frame->cause == CAUSE_ILLEGAL && aegis_fp_take().value == 0) {
        signal = 0; /* the unit was off: now it is ours, and the instruction is tried again */
        HART_AREA(activation)->fp_owner = (struct thread *)HART_AREA(activation)->current;
    } else {
        signal = signal_of(frame->cause);
    }
    if (signal)
        deliver(frame, signal);
    context_restore(frame, activation);
}

/* Masked code of ours met a translation that had vanished. Anything else is its own mistake, and
 * the end. */
PINNED_CODE void nested_handle(struct context *frame)
{
    if (is_page_fault(frame->cause) && session_fault(frame->value) == 0)
        return;
    if (!is_page_fault(frame->cause) || pager_restore(frame->value, access_of(frame->cause)))
        last_words(PINNED_TEXT("fault in the libOS at "), frame->pc, frame->value);
}
