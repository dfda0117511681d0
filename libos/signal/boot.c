/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals at a program's start, over fork and over exec. */
#include "../thread/fork.h"
#include "state.h"

/* After exec the dispositions that were SIG_IGN stand in the process's entry, and the mask. */
void signals_boot(void)
{
    for (int i = 1; process_self && i < NSIG; i++) {
        if (!(process_self->ignored & BIT(i)))
            continue;
        signal_actions[i].sa_handler = SIG_IGN;
        signals_discarded |= BIT(i);
    }
    if (process_self)
        thread_self()->blocked = process_self->parts[PROCESS_PART_MASK];
    signals_bind();
    signals_check();
    if (process_self)
        timers_boot();
}

/* A child has our handlers and our mask, and nothing pending but what was sent while it was made: who is killed then makes no
 * further child in the slot that it begins in. */
void signals_forked(void)
{
    timers_forget();
    local_forget();
    signals_bind();
    if (process_self->pending)
        signals_check();
    timers_limit();
}

void signals_exec(void)
{
    if (!process_self)
        return;
    const struct thread *self = thread_self();
    process_self->parts[PROCESS_PART_MASK] = self->blocked;
    process_self->caught = 0;
    timers_exec();
    __atomic_fetch_or(&process_self->pending, self->pending | signals_local, __ATOMIC_SEQ_CST); /* what is pending stays so */
}
