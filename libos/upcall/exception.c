/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions: page faults go to the pager, the rest (and what the pager refuses) to the thread
 * itself, as a signal: the interrupted context is put on its stack, and it goes on in
 * fault_entry(), unmasked, as ordinary code.
 */
#include <signal.h>
#include <ucontext.h>

#include <aegis/pager.h>

#include "../posix/user.h"
#include "../proc/space.h"
#include "../sched/thread.h"
#include "../session/session.h"
#include "../signal/fault.h"
#include "last_words.h"
#include "upcall_asm.h"

/* Part of pinned functions, not functions of their own: a fault is on every program's way. */
#define HOT __attribute__((always_inline)) static inline

#define FAULT_STACK 16384
#define CALL_ROOM   1024

/* The ucontext_t around a context that was kept. */
#define PUSH_BOTTOM(saved) ((uint64_t)(saved) - offsetof(ucontext_t, uc_mcontext))

/* Where a thread whose stack is gone says so; once, for then the process ends. */
static SELDOM_BSS uint8_t fault_stack[FAULT_STACK] __attribute__((aligned(16)));
static PINNED_BSS unsigned fault_stack_taken;

HOT unsigned access_of(uint64_t cause)
{
    return cause == CAUSE_FETCH_PAGE ? AEGIS_X : cause == CAUSE_LOAD_PAGE ? AEGIS_R : AEGIS_W;
}

HOT int is_page_fault(uint64_t cause)
{
    return cause >= CAUSE_FETCH_PAGE; /* none but the three has a number as high */
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

/* Where a context is kept: in a ucontext_t, for handlers. */
HOT struct context *push_place(uint64_t sp)
{
    uint64_t va = (sp - sizeof(ucontext_t)) & ~15UL;

    if (sp < AEGIS_PAGE_SIZE || sp > AEGIS_EXPOSED || sp - AEGIS_PINNED - 1 < AEGIS_PINNED_SIZE)
        return 0;
    return (struct context *)(va + offsetof(ucontext_t, uc_mcontext));
}

/* Keeps a context on the stack that ends at sp: usually that is there, else it is filled first. Null:
 * it cannot be. */
HOT struct context *context_keep(const struct context *c, uint64_t sp)
{
    struct context *saved = push_place(sp);
    uint64_t bottom = PUSH_BOTTOM(saved);

    if (!saved || (__builtin_expect(context_copy(saved, c), 0) &&
                   (touch(bottom - CALL_ROOM, sizeof(ucontext_t) + CALL_ROOM) ||
                    context_copy(saved, c))))
        return 0;
    return saved;
}

PINNED_CODE int context_push_at(struct context *c, uint64_t sp,
                                void (*function)(struct context *, long), long argument)
{
    struct context *saved = context_keep(c, sp);

    if (!saved)
        return -1;
    c->pc = (uint64_t)function;
    c->called = 0;
    c->x[CONTEXT_SP] = PUSH_BOTTOM(saved);
    c->x[CONTEXT_A0] = (uint64_t)saved;
    c->x[CONTEXT_A0 + 1] = (uint64_t)argument;
    return 0;
}

PINNED_CODE int context_push(struct context *c, void (*function)(struct context *, long),
                             long argument)
{
    return context_push_at(c, c->x[CONTEXT_SP], function, argument);
}

/* Where the signal is handled: the alternate stack, if it shall and the thread is not there yet. */
HOT uint64_t signal_stack(uint64_t sp, const struct thread *t, int signal)
{
    if (__builtin_expect(signals_onstack >> (signal & 63) & 1 && t->alternate_size, 0) &&
        sp - t->alternate >= t->alternate_size)
        return t->alternate + t->alternate_size;
    return sp;
}

HOT void deliver(struct context *frame, int signal, struct aegis_activation *a)
{
    const struct thread *t = (const struct thread *)HART_AREA(a)->current;
    uint64_t sp = frame->x[CONTEXT_SP], flags = 0;
    struct context *saved = context_keep(frame, signal_stack(sp, t, signal));

    if (__builtin_expect(!saved, 0)) {
        flags = FAULT_NO_STACK;
        if (!fault_stack_taken++)
            saved = context_keep(frame, (uint64_t)(fault_stack + FAULT_STACK));
        if (!saved)
            last_words(PINNED_TEXT("fault without a stack at "), frame->pc, frame->value);
    }
    context_enter((uint64_t)saved, (uint64_t)signal | flags, PUSH_BOTTOM(saved),
                  (uint64_t)fault_entry, a);
}

/* The window onto pages of a process that is being made is nobody's region. */
PINNED_CODE static bool in_window(uintptr_t va)
{
    return va - SPACE_WINDOW < SPACE_WINDOW_PAGES * AEGIS_PAGE_SIZE && space_fault && space_fault(va) == 0;
}

/* Session memory is no pager's. A place that may name what is not there has its own way on. */
HOT int fault(struct context *frame)
{
    if (__builtin_expect(frame->value - SESSION_VA < SESSION_SIZE, 0) &&
        session_fault(frame->value) == 0)
        return 0;
    unsigned access = access_of(frame->cause);
    int signal = pager_fault(frame->value, access);
    if (signal == PAGER_DEFER)
        signal = context_push(frame, pager_deferred, (long)(frame->value & ~15UL) | access)
                     ? SIGSEGV
                     : 0;
    if (signal && in_window(frame->value))
        return 0;
    if (signal && pc_within(frame->pc, user_access_begin, user_access_end)) {
        frame->pc = (uint64_t)user_access_failed;
        signal = 0;
    }
    return signal;
}

PINNED_CODE void exception_handle(struct context *frame, struct aegis_activation *activation)
{
    int signal;

    if (is_page_fault(frame->cause)) {
        signal = fault(frame);
    } else if (frame->cause == CAUSE_ILLEGAL && aegis_fp_take().value == 0) {
        signal = 0; /* the unit was off: now it is ours, and the instruction is tried again */
        HART_AREA(activation)->fp_owner = (struct thread *)HART_AREA(activation)->current;
    } else {
        signal = signal_of(frame->cause);
    }
    if (signal)
        deliver(frame, signal, activation);
    context_restore(frame, activation);
}

/* Masked code of ours met a translation that had vanished, or a unit that another environment took while we had
 * overrun between taking it and using it. Anything else is its own mistake, and the end. */
PINNED_CODE void nested_handle(struct context *frame)
{
    if (frame->cause == CAUSE_ILLEGAL && aegis_fp_take().value == 0)
        return;
    if (is_page_fault(frame->cause) && session_fault(frame->value) == 0)
        return;
    if (is_page_fault(frame->cause) && pager_restore(frame->value, access_of(frame->cause)) == 0)
        return;
    if (pc_within(frame->pc, context_copy, context_copy_failed))
        frame->pc = (uint64_t)context_copy_failed;
    else
        last_words(PINNED_TEXT("fault in the libOS at "), frame->pc, frame->value);
}
