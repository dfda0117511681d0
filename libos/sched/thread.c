/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads as the rest of the libOS sees them. There is one; it waits by letting its
 * environment wait. */
#include "thread.h"

#include <string.h>

#include "../upcall/upcall_asm.h"

PINNED_BSS struct thread thread_main;

__attribute__((weak)) PINNED_CONST const struct scheduler *const aegis_scheduler =
    &scheduler_round_robin;

static PINNED_BSS uint64_t exception_stack[EXCEPTION_STACK / 8] __attribute__((aligned(16)));
static PINNED_BSS uint64_t slice_stack[SLICE_STACK / 8] __attribute__((aligned(16)));

PINNED_CODE struct thread *thread_self(void)
{
    return &thread_main;
}

PINNED_CODE struct aegis_activation *aegis_activation_current(void)
{
    return GP_ACTIVATION(thread_main.context.gp);
}

static void area_init(struct hart_area *area, unsigned hart)
{
    area->current = &thread_main.context;
    area->exception_stack = (uint64_t)(exception_stack + EXCEPTION_STACK / 8);
    area->slice_stack = (uint64_t)(slice_stack + SLICE_STACK / 8);
    area->number = hart;
    for (unsigned i = 0; i < 16; i++)
        area->vector[i] = (uint64_t)aegis_upcall_default;
}

void thread_boot(struct aegis_activation *activation)
{
    unsigned hart = ((uintptr_t)activation - AEGIS_PINNED) / AEGIS_PAGE_SIZE;

    /* Should we have overrun before this, we are here by a slot that began from the start. */
    activation->forced = 0;
    area_init(HART_AREA(activation), hart);
    thread_main.context.gp = ACTIVATION_GP(activation);
    thread_main.hart = hart;
    activation->return_begin = (uint64_t)aegis_return_begin;
    activation->return_end = (uint64_t)aegis_return_end;
    activation->up_exception = (uint64_t)upcall_exception;
    activation->up_nested = (uint64_t)upcall_nested;
    activation->up_slice_end = (uint64_t)upcall_slice_end;
    activation->up_slice_begin = (uint64_t)upcall_slice_begin;
    activation->up_entry = (uint64_t)upcall_entry;
    activation->up_entry_async = (uint64_t)upcall_slice_begin;
    activation->up_revoke = (uint64_t)upcall_revoke;
    activation->up_caller_gone = (uint64_t)upcall_caller_gone;
    activation->up_emergency = (uint64_t)upcall_emergency;
    aegis_scheduler->init();
    aegis_scheduler->start(&thread_main);
    aegis_scheduler->pick(hart);
}

long thread_wait(const struct aegis_predicate *predicates, unsigned count, uint64_t deadline)
{
    struct thread *self = thread_self();
    struct aegis_result r;

    do {
        self->asleep = 1;
        r = context_wait(&self->context, predicates, count, deadline);
        self->asleep = 0;
    } while (r.error == AEGIS_E_AGAIN || (!r.error && (long)r.value == AEGIS_WAKE_INTERRUPTED));
    if (r.error == AEGIS_E_TIMEOUT)
        return AEGIS_WAKE_TIMEOUT;
    if (r.error == AEGIS_E_REVOKED)
        return AEGIS_WAKE_REVOKED;
    return r.error ? r.error : (long)r.value;
}

void thread_yield(void)
{
    context_yield(&thread_self()->context);
}

int aegis_upcall_set(unsigned cause, void (*handler)(void))
{
    struct hart_area *area = HART_AREA(aegis_activation_current());
    if (cause >= sizeof area->vector / sizeof area->vector[0])
        return -1;
    area->vector[cause] = (uint64_t)(handler ? handler : aegis_upcall_default);
    return 0;
}

void aegis_entry_set(void (*synchronous)(void), void (*asynchronous)(void))
{
    struct aegis_activation *activation = aegis_activation_current();
    activation->up_entry = (uint64_t)(synchronous ? synchronous : upcall_entry);
    activation->up_entry_async = (uint64_t)(asynchronous ? asynchronous : upcall_slice_begin);
}

/* The message passes through pinned memory: a transfer is masked, on the thread's own stack. */
long aegis_pct(unsigned slot, uint64_t message[AEGIS_MESSAGE])
{
    static PINNED_BSS uint64_t pinned[AEGIS_MESSAGE];
    long error;

    do {
        memcpy(pinned, message, sizeof pinned);
        error = pct_call(slot, pinned, &thread_self()->context);
        if (aegis_activation_current()->held)
            thread_yield(); /* clears it on the way */
    } while (error == AEGIS_E_AGAIN);
    memcpy(message, pinned, sizeof pinned);
    return error;
}
