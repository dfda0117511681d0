/* SPDX-License-Identifier: BSD-2-Clause */
#include "limbo.h"

uint32_t limbo_enter(uint32_t mask)
{
    uint32_t self = 1U << machine_hart();
    uint32_t others = mask & kernel.online & ~self;
    uint32_t stamp = (uint32_t)__atomic_add_fetch(&kernel.epoch, 1, __ATOMIC_SEQ_CST);

    for (unsigned h = 0; others; h++, others >>= 1)
        if ((others & 1) && !__atomic_load_n(&kernel.hart[h].idle, __ATOMIC_SEQ_CST))
            machine_interrupt(h);
    return stamp;
}

static bool hart_let_go(const struct hart *h, uint32_t stamp)
{
    if (__atomic_load_n(&h->idle, __ATOMIC_SEQ_CST) && !h->work)
        return true;
    return (int32_t)((uint32_t)__atomic_load_n(&h->ack, __ATOMIC_ACQUIRE) - stamp) >= 0;
}

bool limbo_over(uint32_t mask, uint32_t stamp)
{
    uint32_t others = mask & kernel.online & ~(1U << machine_hart());

    for (unsigned h = 0; others; h++, others >>= 1)
        if ((others & 1) && !hart_let_go(&kernel.hart[h], stamp))
            return false;
    return true;
}

void limbo_acknowledge(struct hart *h)
{
    uint64_t epoch = __atomic_load_n(&kernel.epoch, __ATOMIC_SEQ_CST);

    machine_flush_all();
    __atomic_store_n(&h->ack, epoch, __ATOMIC_RELEASE);
}
