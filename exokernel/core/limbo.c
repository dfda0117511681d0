/* SPDX-License-Identifier: BSD-2-Clause */
#include "limbo.h"

static void ask(unsigned hart, uint64_t epoch)
{
    __atomic_store_n(&kernel.hart[hart].asked, epoch, __ATOMIC_RELAXED);
    machine_interrupt(hart);
}

uint32_t limbo_enter(uint32_t mask)
{
    uint32_t others = mask & kernel.online & ~(1U << machine_hart());
    uint64_t epoch = __atomic_add_fetch(&kernel.epoch, 1, __ATOMIC_SEQ_CST);

    for (unsigned h = 0; others; h++, others >>= 1)
        if ((others & 1) && !__atomic_load_n(&kernel.hart[h].parked, __ATOMIC_SEQ_CST))
            ask(h, epoch);
    return (uint32_t)epoch;
}

/* Whether an epoch is not older than the stamp. A stamp lives on in 32 bits: one over 2^32 epochs old counts as younger, never as later. */
static bool since(uint64_t epoch, uint64_t now, uint32_t stamp)
{
    return (int64_t)(now - epoch) <= (int64_t)((uint32_t)now - stamp);
}

bool limbo_over(uint32_t mask, uint32_t stamp)
{
    struct hart *self = machine_self()->hart;
    uint32_t others = mask & kernel.online & ~self->bit;
    uint64_t now = __atomic_load_n(&kernel.epoch, __ATOMIC_SEQ_CST);
    bool over = true;

    if (mask & self->bit && !since(self->ack, now, stamp))
        machine_flush_all(); /* this hart was told, but has not been interrupted yet */
    for (unsigned n = 0; others; n++, others >>= 1) {
        const struct hart *h = &kernel.hart[n];
        if (!(others & 1) || (__atomic_load_n(&h->parked, __ATOMIC_SEQ_CST) && !h->work) ||
            since(__atomic_load_n(&h->ack, __ATOMIC_ACQUIRE), now, stamp))
            continue;
        over = false;
        if (!since(__atomic_load_n(&h->asked, __ATOMIC_RELAXED), now, stamp))
            ask(n, now); /* it drew the stamp itself, or was parked then */
    }
    return over;
}
