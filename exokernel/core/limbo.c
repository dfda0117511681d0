/* SPDX-License-Identifier: BSD-2-Clause */
#include "limbo.h"

static void ask(unsigned hart, uint32_t stamp)
{
    __atomic_store_n(&kernel.hart[hart].asked, stamp, __ATOMIC_RELAXED);
    machine_interrupt(hart);
}

uint32_t limbo_enter(uint32_t mask)
{
    uint32_t self = 1U << machine_hart();
    uint32_t others = mask & kernel.online & ~self;
    uint32_t stamp = (uint32_t)__atomic_add_fetch(&kernel.epoch, 1, __ATOMIC_SEQ_CST);

    for (unsigned h = 0; others; h++, others >>= 1)
        if ((others & 1) && !__atomic_load_n(&kernel.hart[h].parked, __ATOMIC_SEQ_CST))
            ask(h, stamp);
    return stamp;
}

static bool hart_let_go(const struct hart *h, uint32_t stamp)
{
    if (__atomic_load_n(&h->parked, __ATOMIC_SEQ_CST) && !h->work)
        return true;
    return (int32_t)((uint32_t)__atomic_load_n(&h->ack, __ATOMIC_ACQUIRE) - stamp) >= 0;
}

bool limbo_over(uint32_t mask, uint32_t stamp)
{
    uint32_t others = mask & kernel.online & ~(1U << machine_hart());
    bool over = true;

    for (unsigned h = 0; others; h++, others >>= 1)
        if ((others & 1) && !hart_let_go(&kernel.hart[h], stamp)) {
            over = false;
            if ((int32_t)(__atomic_load_n(&kernel.hart[h].asked, __ATOMIC_RELAXED) - stamp) < 0)
                ask(h, (uint32_t)kernel.epoch); /* it drew the stamp itself, or was parked then */
        }
    return over;
}
