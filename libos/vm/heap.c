/* SPDX-License-Identifier: BSD-2-Clause */
/* The program break. Pages come at the first touch; what is promised is never more than there is.
 */
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <aegis/exposed.h>

#include "../proc/give.h"
#include "vm_posix.h"

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

static bool allowed(uintptr_t end)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_DATA, &limit) || end - heap_start <= limit.rlim_cur;
}

static int heap_grow(uintptr_t end)
{
    uintptr_t wanted = block_up(end);
    size_t pages = (wanted - heap_end) / AEGIS_PAGE_SIZE;

    if (wanted > VM_HEAP_END || !allowed(end) || !space_left(wanted - heap_end) ||
        (pages + SPARE_PAGES > pages_free() && !memory_ask(pages + SPARE_PAGES)))
        return ENOMEM;
    int error = pager_map(heap_end, pages, AEGIS_R | AEGIS_W, REGION_GROW);
    if (!error)
        heap_end = wanted;
    return error;
}

/* What comes back is zero when it is asked for again. */
static void heap_shrink(uintptr_t end)
{
    uintptr_t whole = PAGE_UP(end) < heap_break ? PAGE_UP(end) : heap_break;

    memset((void *)end, 0, whole - end);
    pager_forget(PAGE_UP(end), (PAGE_UP(heap_break) - PAGE_UP(end)) / AEGIS_PAGE_SIZE);
}

void *_sbrk(ptrdiff_t increment)
{
    uintptr_t old = heap_break, now = old + (uintptr_t)increment;

    if (increment < 0 ? now > old || now < heap_start
                      : now < old || now > VM_HEAP_END || (now > heap_end && heap_grow(now))) {
        errno = ENOMEM;
        return (void *)-1;
    }
    if (increment < 0)
        heap_shrink(now);
    heap_break = now;
    return (void *)old;
}

int brk(void *end)
{
    return _sbrk((ptrdiff_t)((uintptr_t)end - heap_break)) == (void *)-1 ? -1 : 0;
}
