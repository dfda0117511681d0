/* SPDX-License-Identifier: BSD-2-Clause */
/* The program break. Pages come at the first touch; what is promised is never more than there is.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

#include <aegis/exposed.h>

#include "vm.h"

extern char _end[];

static uintptr_t heap_start, heap_break, heap_end; /* heap_end: what the pager was told */

void heap_boot(void)
{
    heap_start = heap_break = heap_end = PAGE_UP((uintptr_t)_end);
}

/* The end in whole blocks of the size that the pager uses so far out. */
static uintptr_t block_up(uintptr_t end)
{
    uintptr_t distance = end - heap_start;
    unsigned order = distance < 128 << 10  ? 0
                     : distance < 1 << 20  ? 2
                     : distance < 16 << 20 ? 4
                     : distance < 64 << 20 ? 6
                                           : 9;
    uintptr_t size = (uintptr_t)AEGIS_PAGE_SIZE << order;
    return (end + size - 1) & ~(size - 1);
}

static int heap_grow(uintptr_t end)
{
    uintptr_t wanted = block_up(end);
    size_t pages = (wanted - heap_end) / AEGIS_PAGE_SIZE;

    if (wanted > VM_HEAP_END || pages + SPARE_PAGES > AEGIS_EXPOSED_STATE->free_pages)
        return ENOMEM;
    int error = pager_map(heap_end, pages, AEGIS_R | AEGIS_W, REGION_GROW);
    if (!error)
        heap_end = wanted;
    return error;
}

void *_sbrk(ptrdiff_t increment)
{
    uintptr_t old = heap_break, now = old + (uintptr_t)increment;

    if (increment < 0 ? now > old || now < heap_start
                      : now < old || now > VM_HEAP_END || (now > heap_end && heap_grow(now))) {
        errno = ENOMEM;
        return (void *)-1;
    }
    heap_break = now;
    return (void *)old;
}
