/* SPDX-License-Identifier: BSD-2-Clause */
/* Which thread goes on, and what threads ask of the scheduler. All that is masked is pinned. */
#include "thread.h"

#include "../upcall/upcall_asm.h"

__attribute__((weak)) PINNED_CONST const struct scheduler *const aegis_scheduler =
    &scheduler_round_robin;
PINNED_BSS const struct scheduler *scheduler_now;
PINNED_BSS uint64_t thread_ticks_ended;
PINNED_BSS unsigned ready_count;

static inline struct thread *thread_of(struct context *context)
{
    return (struct thread *)context;
}

/* ---- going on ---- */

/* The unit holds another thread's state: that one's is kept, ours comes. */
PINNED_CODE static void fp_switch(struct hart_area *area, struct thread *to)
{
    aegis_fp_take(); /* another environment may have it */
    if (area->fp_owner) {
        fp_save(area->fp_owner->fp);
        area->fp_owner->fp_used = 1;
    }
    fp_restore(to->fp);
    area->fp_owner = to;
}

/* The thread goes on where it was, or first looks at what it has to attend to. */
PINNED_CODE void thread_go_on(struct thread *thread, struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);

    if (__builtin_expect(thread->attention && !thread->deferred, 0)) {
        area->pushed = thread->context;
        if (context_push(&area->pushed, attention_entry, 0) == 0) {
            thread->deferred = 1; /* attention_entry takes it back */
            context_restore(&area->pushed, a);
        }
    }
    context_restore(&thread->context, a);
}

PINNED_CODE void thread_run(struct thread *thread, struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);

    thread->state = THREAD_RUNNING;
    thread->hart = (uint32_t)area->number;
    thread->began = time_now();
    thread->context.gp = ACTIVATION_GP(a);
    area->current = &thread->context;
    if (a->fp_live && area->fp_owner != thread)
        fp_switch(area, thread);
    thread_go_on(thread, a);
}

PINNED_CODE void schedule(struct aegis_activation *a)
{
    unsigned hart = (unsigned)HART_AREA(a)->number;
    struct thread *thread;

    while (!(thread = ready_pick(hart)))
        wait_sleep(a);
    thread_run(thread, a);
}

/* The running thread gives way; it is no longer the scheduler's. */
PINNED_CODE static void leave(struct thread *thread, uint32_t state)
{
    thread->ticks += time_now() - thread->began;
    thread->state = state;
    scheduler_now->block(thread);
}

/* ---- yielding ---- */

PINNED_CODE static void yield(struct context *c, void *unused, struct aegis_activation *a)
{
    struct thread *self = thread_of(c), *next;

    (void)unused;
    self->ticks += time_now() - self->began;
    if (ready_count) {
        ready_stop(self);
        next = ready_pick((unsigned)HART_AREA(a)->number);
        if (!next)
            schedule(a);
        if (next != self)
            thread_run(next, a);
    }
    self->state = THREAD_RUNNING; /* nobody else: the slot goes to another environment */
    self->began = HART_AREA(a)->ended = time_now();
    __atomic_fetch_and(&a->held, ~(uint64_t)AEGIS_HELD_SLICE_END, __ATOMIC_RELAXED);
    aegis_slice_yield();
    thread_go_on(self, a);
}

void thread_yield(void)
{
    context_call(&thread_self()->context, yield, 0);
}

PINNED_CODE static void yield_to(struct context *c, void *slot, struct aegis_activation *a)
{
    struct thread *self = thread_of(c);

    thread_result(c, 0);
    self->ticks += time_now() - self->began;
    self->began = HART_AREA(a)->ended = time_now();
    __atomic_fetch_and(&a->held, ~(uint64_t)AEGIS_HELD_SLICE_END, __ATOMIC_RELAXED);
    thread_result(c, aegis_slice_yield_to((unsigned long)slot).error);
    thread_go_on(self, a);
}

long thread_yield_to(unsigned slot)
{
    return context_call(&thread_self()->context, yield_to, (void *)(uintptr_t)slot);
}

/* ---- waiting for comparisons ---- */

struct wait_arguments {
    const struct aegis_predicate *predicates;
    unsigned count;
    bool interruptible;
    uint64_t deadline;
    const volatile uint32_t *word;
};

/* A cancellation that came between the point's own look and its wait ends that, once. */
PINNED_INLINE bool interrupted(struct thread *self)
{
    bool due = self->cancel_due;

    self->cancel_due = 0;
    return due || self->attention;
}

PINNED_CODE static void wait(struct context *c, void *argument, struct aegis_activation *a)
{
    const struct wait_arguments *w = argument;
    struct thread *self = thread_of(c);

    if (w->interruptible && interrupted(self)) {
        thread_result(c, THREAD_WAKE_SIGNAL);
        thread_go_on(self, a);
    }
    if (w->word && __atomic_load_n(w->word, __ATOMIC_SEQ_CST) != (uint32_t)w->predicates->value) {
        thread_result(c, 0);
        thread_go_on(self, a);
    }
    self->predicates = w->predicates;
    self->predicate_count = w->count;
    self->deadline = w->deadline;
    self->interruptible = w->interruptible;
    self->word = w->word;
    leave(self, THREAD_WAITING);
    wait_begin(self);
    schedule(a);
}

static long wait_for(const struct aegis_predicate *predicates, unsigned count, uint64_t deadline,
                     bool interruptible)
{
    struct wait_arguments w = {predicates, count, interruptible, deadline, NULL};

    if (count > AEGIS_PREDICATES)
        return AEGIS_E_BAD_RANGE;
    return context_call(&thread_self()->context, wait, &w);
}

long thread_wait(const struct aegis_predicate *predicates, unsigned count, uint64_t deadline)
{
    return wait_for(predicates, count, deadline, false);
}

long thread_wait_signal(const struct aegis_predicate *predicates, unsigned count, uint64_t deadline)
{
    return wait_for(predicates, count, deadline, true);
}

long thread_wait_word(const struct aegis_predicate *predicate, const volatile uint32_t *word,
                      uint64_t deadline, bool interruptible)
{
    struct wait_arguments w = {predicate, 1, interruptible, deadline, word};
    return context_call(&thread_self()->context, wait, &w);
}

/* ---- sleeping for a word of this process ---- */

struct sleep_arguments {
    const volatile uint32_t *word;
    uint32_t expected;
    bool interruptible;
    uint64_t deadline;
};

PINNED_CODE static void sleep_on(struct context *c, void *argument, struct aegis_activation *a)
{
    const struct sleep_arguments *s = argument;
    struct thread *self = thread_of(c);

    if (s->interruptible && interrupted(self)) {
        thread_result(c, -EINTR_VALUE);
        thread_go_on(self, a);
    }
    if (__atomic_load_n(s->word, __ATOMIC_SEQ_CST) != s->expected) {
        thread_result(c, -EAGAIN_VALUE);
        thread_go_on(self, a);
    }
    self->predicate_count = 0;
    self->deadline = s->deadline;
    self->interruptible = s->interruptible;
    self->word = s->word;
    leave(self, THREAD_WAITING);
    wait_begin(self);
    schedule(a);
}

int thread_sleep(const volatile uint32_t *word, uint32_t expected, uint64_t deadline,
                 bool interruptible)
{
    struct sleep_arguments s = {word, expected, interruptible, deadline};
    return (int)context_call(&thread_self()->context, sleep_on, &s);
}

/* What is done masked with those who wait for a word. */
struct word_arguments {
    const volatile uint32_t *word;
    long number;
    long (*call)(const volatile uint32_t *word, long number);
};

PINNED_CODE static void on_word(struct context *c, void *argument, struct aegis_activation *a)
{
    const struct word_arguments *w = argument;

    thread_result(c, w->call(w->word, w->number));
    thread_go_on(thread_of(c), a);
}

static long word_call(const volatile uint32_t *word, long number, long (*call)(const volatile uint32_t *, long))
{
    struct word_arguments w = {word, number, call};

    return waiting_count ? context_call(&thread_self()->context, on_word, &w) : 0;
}

PINNED_CODE static long wake(const volatile uint32_t *word, long count)
{
    return wait_wake(word, (unsigned)count);
}

unsigned thread_wake(const volatile uint32_t *word, unsigned count)
{
    return (unsigned)word_call(word, count, wake);
}

PINNED_CODE static long hand(const volatile uint32_t *word, long result)
{
    return wait_hand(word, result);
}

bool thread_hand(const volatile uint32_t *word, int result)
{
    return word_call(word, result, hand);
}

PINNED_CODE static long sleeps(const volatile uint32_t *word, long unused)
{
    (void)unused;
    return wait_first(word) != 0;
}

bool thread_sleeps(const volatile uint32_t *word)
{
    return word_call(word, 0, sleeps);
}

/* ---- beginning, attention, the end ---- */

PINNED_CODE static void start(struct context *c, void *thread, struct aegis_activation *a)
{
    ready_start(thread);
    thread_go_on(thread_of(c), a);
}

void thread_start(struct thread *thread)
{
    context_call(&thread_self()->context, start, thread);
}

PINNED_CODE void attend(struct thread *thread, uint32_t bits)
{
    thread->attention |= bits;
    if (thread->state == THREAD_WAITING && thread->interruptible)
        wait_over(thread, THREAD_SLEEPS(thread) ? -EINTR_VALUE : THREAD_WAKE_SIGNAL);
}

struct attend_arguments {
    struct thread *thread;
    uint32_t bits;
};

PINNED_CODE static void attend_call(struct context *c, void *argument, struct aegis_activation *a)
{
    const struct attend_arguments *w = argument;

    attend(w->thread, w->bits);
    thread_go_on(thread_of(c), a);
}

void thread_attend(struct thread *thread, uint32_t bits)
{
    struct attend_arguments w = {thread, bits};
    context_call(&thread_self()->context, attend_call, &w);
}

struct end_arguments {
    volatile uint32_t *word;
    uint32_t value;
};

PINNED_CODE static void end(struct context *c, void *argument, struct aegis_activation *a)
{
    struct end_arguments w = *(struct end_arguments *)argument;
    struct thread *self = thread_of(c);

    leave(self, THREAD_ENDED);
    thread_ticks_ended += self->ticks;
    if (HART_AREA(a)->fp_owner == self)
        HART_AREA(a)->fp_owner = 0;
    __atomic_store_n(w.word, w.value, __ATOMIC_SEQ_CST);
    wait_wake(w.word, ~0U);
    thread_free(self);
    schedule(a);
}

void thread_end(volatile uint32_t *word, uint32_t value)
{
    struct end_arguments w = {word, value};

    *word = *word; /* a page that fork shares is copied now: masked code cannot */
    context_call(&thread_self()->context, end, &w);
    __builtin_unreachable();
}

/* ---- another scheduler ---- */

PINNED_CODE static void set(struct context *c, void *scheduler, struct aegis_activation *a)
{
    scheduler_now = scheduler;
    for (struct thread *t = 0; (t = thread_next(t));)
        if (t->state == THREAD_READY)
            scheduler_now->start(t);
    thread_go_on(thread_of(c), a);
}

const struct scheduler *scheduler_set(const struct scheduler *scheduler)
{
    const struct scheduler *before = scheduler_now;

    scheduler->init();
    context_call(&thread_self()->context, set, (void *)scheduler);
    return before;
}
