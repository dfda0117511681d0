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

/* Each byte is read once; by words where both sides allow. */
static void bytes_copy(char *to, const char *from, size_t size)
{
    size_t i = 0;

    if ((((uintptr_t)to | (uintptr_t)from) & 7) == 0)
        for (; i + 8 <= size; i += 8)
            *(uint64_t *)(to + i) = *(const volatile uint64_t *)(from + i);
    for (; i < size; i++)
        to[i] = ((const volatile char *)from)[i];
}

static long user_copy(struct env *e, char *kernel_side, unsigned long va, size_t size, bool write)
{
    if (va >= AEGIS_USER_END || size > AEGIS_USER_END - va)
        return AEGIS_E_BAD_ADDRESS;
    bool one = size <= PAGE_SIZE - va % PAGE_SIZE; /* else both are looked up before anything has changed */
    for (unsigned long at = va; !one && at < va + size; at = (at | (PAGE_SIZE - 1)) + 1)
        if (!user_page(e, at, write))
            return AEGIS_E_BAD_ADDRESS;
    while (size) {
        size_t part = PAGE_SIZE - va % PAGE_SIZE;
        char *p = user_page(e, va, write);
        if (!p)
            return AEGIS_E_BAD_ADDRESS;
        if (part > size)
            part = size;
        if (write)
            bytes_copy(p, kernel_side, part);
        else
            bytes_copy(kernel_side, p, part);
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
