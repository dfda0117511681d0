/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for a word to change: of this process, or (shared) of all that have it mapped. */
#include <errno.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>

#include "../session/process.h"
#include "../session/session.h"
#include "pthread_internal.h"

static bool in_session(const volatile void *p)
{
    return process_self && (uintptr_t)p - SESSION_VA < SESSION_SIZE;
}

/* The claim under which the kernel finds the word. 0: none that is mapped. */
static unsigned word_slot(volatile uint32_t *word, uint32_t *offset)
{
    uintptr_t va = (uintptr_t)word;

    if (in_session(word))
        return session_slot(word, offset);
    (void)*word; /* maps it */
    struct page_entry entry = pager_find(va);
    if (entry.kind != PAGE_PRESENT)
        return 0;
    uint64_t where = slot_claim(entry.slot)->where;
    uint64_t size = (uint64_t)AEGIS_PAGE_SIZE << AEGIS_WHAT_ORDER(slot_claim(entry.slot)->what);
    *offset = (uint32_t)(va & (size - 1));
    return where & AEGIS_MAPPED && (where & ~(uint64_t)AEGIS_FLAGS) == (va & ~(size - 1))
               ? entry.slot
               : 0;
}

uint64_t word_name(volatile uint32_t *word)
{
    uint32_t offset;

    if (in_session(word))
        return (uint64_t)word;
    unsigned slot = word_slot(word, &offset);
    return slot ? (uint64_t)AEGIS_WHAT_RESOURCE(slot_claim(slot)->what) * AEGIS_PAGE_SIZE + offset : 0;
}

static int shared_wait(volatile uint32_t *word, uint32_t expected, uint64_t deadline,
                       bool interruptible)
{
    uint32_t offset = 0;
    unsigned slot = word_slot(word, &offset);

    if (!slot) {
        thread_yield();
        return deadline && (int64_t)(time_now() - deadline) >= 0 ? -ETIMEDOUT : 0;
    }
    struct aegis_predicate p = {(uint16_t)slot, AEGIS_NE, 4, offset, expected};
    long why = thread_wait_word(&p, word, deadline, interruptible);
    return why == AEGIS_WAKE_TIMEOUT ? -ETIMEDOUT : why == THREAD_WAKE_SIGNAL ? -EINTR : 0;
}

int word_wait(volatile uint32_t *word, uint32_t expected, uint64_t deadline, bool shared,
              bool interruptible)
{
    if (shared)
        return shared_wait(word, expected, deadline, interruptible);
    int error = thread_sleep(word, expected, deadline, interruptible);
    return error == -EAGAIN ? 0 : error;
}

static int sleeps_there(struct process *p, void *hart)
{
    return p != process_self && process_ring_there(p, *(unsigned *)hart); /* else another may be rung */
}

/* On this hart the kernel looks at the words of whoever comes next; one that idles has to be told. */
void word_wake(volatile uint32_t *word, unsigned count, bool shared)
{
    thread_wake(word, count);
    if (!shared)
        return;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the word has changed before we look who sleeps */
    for (unsigned h = 0; process_self && AEGIS_EXPOSED_STATE->harts > 1 && h < AEGIS_HARTS; h++)
        if (AEGIS_EXPOSED_STATE->hart[h].online && AEGIS_EXPOSED_STATE->hart[h].idle)
            process_each(sleeps_there, &h);
}

/* ---- who holds it ---- */

uint32_t thread_identity(void)
{
    return (process_self ? (uint32_t)process_self->pid << 8 : 0) | (thread_self()->number + 1);
}

bool thread_identity_alive(uint32_t identity)
{
    pid_t pid = (pid_t)(identity >> 8);

    if (process_self && pid != process_self->pid) {
        const struct process *p = process_find(pid);
        return p && p->state != PROCESS_ZOMBIE && session_alive(p->identity);
    }
    for (struct thread *t = NULL; (t = thread_next(t));)
        if (t->number + 1 == (identity & 0xff))
            return true;
    return false;
}
