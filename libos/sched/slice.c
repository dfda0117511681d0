/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots that begin and end, and what has to be put right when they end at an awkward place. All pinned. */
#include "thread.h"

#include <stdbool.h>

#include "../upcall/upcall_asm.h"

PINNED_BSS int (*slice_hook)(void);
PINNED_BSS void (*slice_hook_function)(struct context *, long);

static inline bool within(uint64_t pc, const void *first, const void *end)
{
    return pc - (uint64_t)first < (uint64_t)end - (uint64_t)first;
}

/*
 * The slot ended between aegis_restart_begin and aegis_restart_end, with `masked` 0: at the first instruction of an
 * exception upcall, in a wait that has not begun or is over, or in a return.
 */
PINNED_CODE void slice_fix(struct context *c, struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);

    if (c->pc == (uint64_t)upcall_exception) {
        /* exc_* holds an exception that nobody has seen: first that, and the slice ends when it is done. */
        a->held |= AEGIS_HELD_SLICE_END;
        context_reenter(c, a);
    }
    if (within(c->pc, context_wait, aegis_upcall_return)) {
        c->pc = c->x[CONTEXT_X(1)];
        c->x[CONTEXT_A0] = (uint64_t)AEGIS_E_AGAIN;
        ((struct thread *)c)->asleep = 0;
    } else if (within(c->pc, aegis_return_begin, aegis_return_end)) {
        c->pc = area->return_pc;
        c->x[CONTEXT_SP] = area->return_sp;
    }
}

PINNED_CODE static void take_forced(struct context *c, const struct aegis_activation *a)
{
    c->pc = a->forced_save[0];
    for (unsigned i = 0; i < 31; i++)
        c->x[i] = a->forced_save[i + 1];
}

/* While the thread's registers were being saved at a slice's end. */
PINNED_CODE static void forced_in_save(struct aegis_activation *a, uint64_t pc)
{
    struct context *c = HART_AREA(a)->current;

    if (!within(pc, slice_registers_saved, slice_save_end))
        take_forced(c, a);
    if (pc != (uint64_t)upcall_slice_end && a->masked != ACTIVATION_GP(a))
        c->x[CONTEXT_SP] = a->masked;
    c->pc = a->slice_pc;
    slice_fix(c, a);
}

/* While an exception's registers were being saved: only sp was destroyed before all were. */
PINNED_CODE static void forced_in_exception(struct aegis_activation *a, uint64_t pc) __attribute__((noreturn));
PINNED_CODE static void forced_in_exception(struct aegis_activation *a, uint64_t pc)
{
    struct context *frame = &HART_AREA(a)->frame;

    if (!within(pc, exception_saved, exception_save_end))
        take_forced(frame, a);
    if (pc != (uint64_t)upcall_exception && a->masked != ACTIVATION_GP(a))
        frame->x[CONTEXT_SP] = a->masked;
    context_reenter(frame, a);
}

/*
 * We overran the grace time, and the kernel saved all registers. That happens only in masked code or in the handlers here.
 * Puts the current thread's context right, or goes on with what was interrupted.
 */
PINNED_CODE static void slice_forced(struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);
    struct context *c = area->current;
    uint64_t pc = a->forced_save[0], sp = a->forced_save[2];

    a->forced = 0;
    if (within(pc, upcall_slice_end, slice_save_end)) {
        forced_in_save(a, pc);
    } else if (within(pc, upcall_exception, exception_save_end)) {
        forced_in_exception(a, pc);
    } else if (within(pc, context_wait, aegis_upcall_return)) {
        take_forced(c, a);
        c->pc = pc;
        slice_fix(c, a);
    } else if (within(pc, context_restore, aegis_return_begin)) {
        context_restore(pc > (uint64_t)context_restore + 8 ? area->restoring : (void *)a->forced_save[10], a);
    } else if (within(pc, aegis_return_begin, upcall_slice_end)) {
        take_forced(area->stay ? &area->forced : c, a);
        if (area->stay) {
            area->forced.pc = area->return_pc;
            area->forced.x[CONTEXT_SP] = area->return_sp;
            context_resume_masked(&area->forced, a);
        }
        c->pc = area->return_pc;
        c->x[CONTEXT_SP] = area->return_sp;
    } else if (sp - (area->slice_stack - 2048) > 2048) {
        /* not on the slice stack: masked code of ours, or (with none masked) the thread itself */
        if (!a->masked) {
            take_forced(c, a);
            return;
        }
        take_forced(&area->forced, a);
        context_resume_masked(&area->forced, a);
    }
}

PINNED_CODE static void switch_fp(struct context *from, struct context *to, struct aegis_activation *a)
{
    struct thread *old = (struct thread *)from, *new = (struct thread *)to;

    if (a->fp_live) {
        fp_save(old->fp);
        old->fp_used = 1;
    }
    if (new->fp_used)
        fp_restore(new->fp);
}

PINNED_CODE void slice_begin(struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);

    if (__builtin_expect(a->forced, 0))
        slice_forced(a);
    struct thread *thread = (struct thread *)area->current;
    if (thread->asleep) {
        thread->asleep = 0;
        thread->context.x[CONTEXT_A0] = 0;
        thread->context.x[CONTEXT_A0 + 1] = (uint64_t)a->wake;
    }
    if (thread->state == THREAD_RUNNING)
        aegis_scheduler->stop(thread);
    thread = aegis_scheduler->pick((unsigned)area->number);
    struct context *c = &thread->context;
    if (c != area->current) {
        switch_fp(area->current, c, a);
        area->current = c;
        c->gp = ACTIVATION_GP(a);
    }
    if (slice_hook && slice_hook())
        context_push(c, slice_hook_function, 0);
    context_restore(c, a);
}

/* A request to give something back. This libOS holds nothing that it could spare: it lets the deadline decide. */
PINNED_CODE void revoke_handle(struct aegis_activation *a, unsigned long held)
{
    if (held & AEGIS_HELD_SLICE_END)
        aegis_slice_yield();
    slice_fix(HART_AREA(a)->current, a);
    context_restore(HART_AREA(a)->current, a);
}

PINNED_CODE void emergency_handle(struct aegis_activation *a)
{
    (void)a;
    for (;;)
        aegis_env_destroy(AEGIS_SLOT_SELF);
}
