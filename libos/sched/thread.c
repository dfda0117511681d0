/* SPDX-License-Identifier: BSD-2-Clause */
/* Activations are put in order, and there is room for threads. */
#include "thread.h"

#include <string.h>

#include <aegis/pager.h>

#include "../upcall/upcall_asm.h"

#define PER_PAGE     (AEGIS_PAGE_SIZE / sizeof(struct thread))
#define WINDOW(page) (AEGIS_PINNED + (THREAD_WINDOW + (page)) * (uintptr_t)AEGIS_PAGE_SIZE)

PINNED_OWN struct thread thread_main; /* a child's is made of `forked` */

/* The slice stack lies below the exception stack: an empty one's sp is not within the other. */
static PINNED_OWN struct {
    uint8_t slice[SLICE_STACK];
    uint8_t exception[EXCEPTION_STACK];
} stacks __attribute__((aligned(16)));

static PINNED_OWN unsigned boot_hart;
static PINNED_BSS unsigned window_pages; /* of threads, mapped */
static PINNED_BSS struct thread forked;  /* the calling thread of a fork */

/* ---- who and where ---- */

static inline uintptr_t stack_pointer(void)
{
    uintptr_t sp;
    __asm__ volatile("mv %0, sp" : "=r"(sp));
    return sp;
}

PINNED_CODE struct aegis_activation *aegis_activation_current(void)
{
    if (stack_pointer() - (uintptr_t)&stacks <= sizeof stacks)
        return (struct aegis_activation *)AEGIS_ACTIVATION(boot_hart);
    return GP_ACTIVATION(thread_self()->context.gp);
}

/* ---- the beginning ---- */

/* Whatever the page was before, a table of pages perhaps, may still stand in it. */
static void area_init(struct hart_area *area, unsigned hart)
{
    area->current = &thread_main.context;
    area->stay = area->sleeping = area->stopped = 0;
    area->exception_stack = (uint64_t)(stacks.exception + EXCEPTION_STACK);
    area->slice_stack = (uint64_t)(stacks.slice + SLICE_STACK);
    area->number = hart;
    for (unsigned i = 0; i < 16; i++)
        area->vector[i] = (uint64_t)aegis_upcall_default;
}

static void activation_init(struct aegis_activation *activation, unsigned hart)
{
    /* Should we have overrun before this, we are here by a slot that began from the start. */
    activation->forced = 0;
    area_init(HART_AREA(activation), hart);
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
}

/* The unit is on since an earlier life (proc/again.h): what it held goes. */
PINNED_CODE static void fp_begin(struct aegis_activation *activation)
{
    thread_main.fp_used = 1;
    for (unsigned i = 0; i < sizeof thread_main.fp / sizeof thread_main.fp[0]; i++)
        thread_main.fp[i] = 0;
    aegis_fp_take();
    fp_restore(thread_main.fp);
    HART_AREA(activation)->fp_owner = &thread_main;
}

PINNED_CODE void thread_boot(struct aegis_activation *activation)
{
    unsigned hart = ((uintptr_t)activation - AEGIS_PINNED) / AEGIS_PAGE_SIZE;

    boot_hart = hart;
    thread_main.context.gp = ACTIVATION_GP(activation);
    thread_main.hart = hart;
    thread_main.affinity = ~0UL;
    thread_main.began = time_now();
    thread_main.state = THREAD_RUNNING;
    activation_init(activation, hart);
    if (activation->fp_live)
        fp_begin(activation);
    scheduler_now = aegis_scheduler;
    scheduler_now->init();
}

/* ---- fork ---- */

PINNED_CODE static void fork_copy(struct context *c, void *unused, struct aegis_activation *a)
{
    (void)unused;
    forked = *(struct thread *)c;
    if (a->fp_live) {
        aegis_fp_take();
        fp_save(forked.fp);
        forked.fp_used = 1;
    }
    thread_result(c, 0);
    thread_go_on((struct thread *)c, a); /* in the same slot: what it had of it still counts */
}

long thread_fork_point(void)
{
    return context_call(&thread_self()->context, fork_copy, 0);
}

PINNED_CODE void thread_boot_forked(struct aegis_activation *activation)
{
    struct hart_area *area = HART_AREA(activation);

    window_pages = 0;
    thread_ticks_ended = 0;
    wait_reset();
    thread_boot(activation);
    thread_main = forked;
    thread_main.number = 0;
    thread_main.ticks = 0;
    thread_main.pending = 0;
    thread_main.attention = 0;
    thread_main.context.gp = ACTIVATION_GP(activation);
    thread_main.state = THREAD_READY;
    thread_result(&thread_main.context, 1);
    area->fp_owner = 0;
    if (!thread_main.fp_used && activation->fp_live) { /* the unit is on since an earlier life */
        thread_main.fp_used = 1;
        for (unsigned i = 0; i < sizeof thread_main.fp / sizeof thread_main.fp[0]; i++)
            thread_main.fp[i] = 0;
    }
    if (thread_main.fp_used) {
        aegis_fp_take();
        fp_restore(thread_main.fp);
        area->fp_owner = &thread_main;
    }
    ready_start(&thread_main);
}

void thread_forked(void)
{
    struct thread **tp;

    __asm__("mv %0, tp" : "=r"(tp));
    tp[-1] = &thread_main;
}

/* ---- room for threads ---- */

PINNED_CODE static struct thread *thread_at(unsigned index)
{
    return (struct thread *)WINDOW(index / PER_PAGE) + index % PER_PAGE;
}

static int window_extend(void)
{
    if (window_pages == THREAD_WINDOW_PAGES)
        return -1;
    long slot = page_get_whole(0);
    if (slot < 0)
        return -1;
    if (page_map((unsigned)slot, WINDOW(window_pages), AEGIS_R | AEGIS_W)) {
        page_put((unsigned)slot);
        return -1;
    }
    window_pages++;
    return 0;
}

struct thread *thread_new(void)
{
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        if (i == window_pages * PER_PAGE && window_extend())
            return 0;
        struct thread *t = thread_at(i);
        uint32_t free = THREAD_FREE;
        if (!__atomic_compare_exchange_n(&t->state, &free, THREAD_ENDED, 0, __ATOMIC_ACQUIRE,
                                         __ATOMIC_RELAXED))
            continue;
        memset(t, 0, sizeof *t);
        t->state = THREAD_ENDED;
        t->number = i + 1;
        t->affinity = ~0UL;
        return t;
    }
    return 0;
}

PINNED_CODE void thread_free(struct thread *thread)
{
    if (thread != &thread_main)
        __atomic_store_n(&thread->state, THREAD_FREE, __ATOMIC_RELEASE);
}

PINNED_CODE struct thread *thread_next(struct thread *after)
{
    unsigned i = after ? after->number : 0;

    if (!after)
        return &thread_main;
    for (; i < window_pages * PER_PAGE; i++)
        if (thread_at(i)->state != THREAD_FREE)
            return thread_at(i);
    return 0;
}

bool threads_alone(void)
{
    return !window_pages;
}

/* ---- what applications set ---- */

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
    static PINNED_OWN uint64_t pinned[AEGIS_MESSAGE];
    static uint32_t taken;
    long error;

    while (__atomic_exchange_n(&taken, 1, __ATOMIC_ACQUIRE))
        thread_yield();
    do {
        memcpy(pinned, message, sizeof pinned);
        error = pct_call(slot, pinned, &thread_self()->context);
        if (aegis_activation_current()->held)
            thread_yield(); /* clears it on the way */
    } while (error == AEGIS_E_AGAIN);
    memcpy(message, pinned, sizeof pinned);
    __atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
    return error;
}
