/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots that begin and end, and what has to be put right when they end at an awkward place. All
 * pinned. */
#include "thread.h"

#include "../upcall/last_words.h"
#include "../upcall/upcall_asm.h"

PINNED_BSS int (*slice_hook)(void);
PINNED_BSS void (*slice_hook_function)(struct context *, long);

/*
 * The slot ended between aegis_restart_begin and aegis_restart_end, with `masked` 0: at the first
 * instruction of an exception upcall, in a wait that has not begun or is over, or in a return.
 */
PINNED_CODE void slice_fix(struct context *c, struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);

    if (c->pc == (uint64_t)upcall_exception) {
        /* exc_* holds an exception that nobody has seen: first that, and the slice ends when it is
         * done. */
        a->held |= AEGIS_HELD_SLICE_END;
        context_reenter(c, a);
    }
    if (pc_within(c->pc, context_wait, pct_call)) {
        c->pc = c->x[CONTEXT_X(1)];
        c->x[CONTEXT_A0] = (uint64_t)AEGIS_E_AGAIN;
        ((struct thread *)c)->asleep = 0;
    } else if (pc_within(c->pc, pct_call, pct_masked)) {
        c->pc = (uint64_t)pct_call;
    } else if (pc_within(c->pc, aegis_return_begin, aegis_restart_end)) {
        c->pc = area->return_pc;
        c->x[CONTEXT_SP] = area->return_sp;
    }
}

PINNED_CODE static void switch_fp(struct context *from, struct context *to,
                                  struct aegis_activation *a)
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
    if (slice_hook && slice_hook()) {
        /* in another place, so that the thread's own stays whole if we run out of time */
        area->pushed = *c;
        if (context_push(&area->pushed, slice_hook_function, 0) == 0)
            c = &area->pushed;
    }
    context_restore(c, a);
}

/* A request to give something back. This libOS holds nothing that it could spare: it lets the
 * deadline decide. */
PINNED_CODE void revoke_handle(struct aegis_activation *a, unsigned long held)
{
    if (held & AEGIS_HELD_SLICE_END)
        aegis_slice_yield();
    slice_fix(HART_AREA(a)->current, a);
    context_restore(HART_AREA(a)->current, a);
}

PINNED_CODE void emergency_handle(struct aegis_activation *a)
{
    last_words(PINNED_TEXT("its last pages are taken; it was at "), HART_AREA(a)->current->pc, 0);
}
