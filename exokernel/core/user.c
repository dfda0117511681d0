/* SPDX-License-Identifier: BSD-2-Clause */
#include "user.h"

#include "map.h"
#include "page.h"

/* What the walk finds; what we do to it is recorded there as the hardware would. */
static char *user_page(struct env *e, unsigned long va, bool write)
{
    uint64_t *at, need = PTE_V | PTE_U | (write ? PTE_W : PTE_R);
    uint64_t pte = map_walk(e, va, &at);

    if ((pte & need) != need || !page_valid(PTE_PAGE(pte)))
        return NULL;
    uint64_t entry = __atomic_load_n(at, __ATOMIC_RELAXED), used = write ? PTE_A | PTE_D : PTE_A;
    while ((entry & need) == need && (entry & used) != used) /* what another hart drops meanwhile stays dropped */
        __atomic_compare_exchange_n(at, &entry, entry | used, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return (char *)machine_direct(PTE_PAGE(pte)) + va % PAGE_SIZE;
}

static long user_copy(struct env *e, char *kernel_side, unsigned long va, size_t size, bool write)
{
    REFUSE_IF(va >= AEGIS_USER_END || size > AEGIS_USER_END - va, BAD_ADDRESS);
    bool one = size <= PAGE_SIZE - va % PAGE_SIZE; /* else both are looked up before anything has changed */
    for (unsigned long at = va; !one && at < va + size; at = (at | (PAGE_SIZE - 1)) + 1)
        REFUSE_IF(!user_page(e, at, write), BAD_ADDRESS);
    while (size) {
        size_t part = PAGE_SIZE - va % PAGE_SIZE;
        char *p = user_page(e, va, write);
        REFUSE_IF(!p, BAD_ADDRESS);
        if (part > size)
            part = size;
        __builtin_memcpy(write ? p : kernel_side, write ? kernel_side : p, part); /* which reads each byte once */
        kernel_side += part;
        va += part;
        size -= part;
    }
    return 0;
}

long user_read(struct env *e, void *to, unsigned long va, size_t size)
{
    return user_copy(e, to, va, size, false);
}

long user_write(struct env *e, unsigned long va, const void *from, size_t size)
{
    return user_copy(e, (char *)from, va, size, true);
}
