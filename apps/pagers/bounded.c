/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pager of one's own: a database that is scanned again and again, of which only so many pages may
 * be in memory; the rest lies in a file. An operating system that evicts what was used longest ago
 * evicts exactly what the scan will want next. The application knows better: it gives up what it has
 * just used.
 *
 *     aegis-cc -O2 -o bounded bounded.c
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>

#define PAGE     4096UL
#define DATABASE ((char *)0x2800000000)
#define PAGES    64
#define RESIDENT 48
#define SCANS    10

static struct pager mine;
static int file, recent_first;
static volatile unsigned faults, written;
static unsigned resident;
static unsigned queue[PAGES]; /* in the order in which they came */

PINNED_CODE static int fault(uintptr_t va, unsigned access)
{
    const struct region *r = region_at(va);
    const struct page_entry *e = r && r->kind == REGION_PAGER ? mine.find(va) : 0;

    /* what is there is mapped by the libOS; what is not is fetched, which may wait: in the thread */
    return r && r->kind == REGION_PAGER && (!e || e->kind != PAGE_PRESENT) ? PAGER_DEFER
                                                                           : page_fault(va, access);
}

/* A page gives its place to another. Its slot. */
static unsigned evict(void)
{
    unsigned at = recent_first ? resident - 1 : 0, page = queue[at];
    char *va = DATABASE + page * PAGE;

    if (aegis_page_dirty(va)) {
        pwrite(file, va, PAGE, (off_t)(page * PAGE));
        written++;
    }
    resident--;
    memmove(&queue[at], &queue[at + 1], (resident - at) * sizeof queue[0]);
    return pager_take((uintptr_t)va, (struct page_entry){0, 0, PAGE_NONE, 0});
}

static int deferred(uintptr_t va, unsigned access)
{
    unsigned page = (unsigned)((va - (uintptr_t)DATABASE) / PAGE);

    if (page >= PAGES)
        return page_deferred(va, access);
    unsigned slot = resident < RESIDENT ? (unsigned)page_get_whole(0) : evict();
    pager_put(va, slot, AEGIS_R | AEGIS_W);
    pread(file, (void *)va, PAGE, (off_t)(page * PAGE));
    aegis_map_clean(AEGIS_SLOT_SELF, va, 1);
    queue[resident++] = page;
    faults++;
    return 0;
}

static void scan(const char *name, int how)
{
    unsigned long sum = 0;

    recent_first = how;
    faults = written = 0;
    for (int k = 0; k < SCANS; k++)
        for (unsigned i = 0; i < PAGES; i++)
            sum += (unsigned char)DATABASE[i * PAGE];
    printf("%s: %u faults in %u accesses, %u pages written back%s\n", name, faults, SCANS * PAGES,
           written, sum == SCANS * PAGES * (PAGES - 1) / 2 ? "" : ", WRONG");
}

int main(void)
{
    file = open("/database", O_RDWR | O_CREAT | O_TRUNC, 0600);
    ftruncate(file, PAGES * PAGE);
    mine = pager_radix;
    mine.name = "bounded";
    mine.fault = fault;
    mine.deferred = deferred;
    if (pager_set(&mine) || pager_map((uintptr_t)DATABASE, PAGES, AEGIS_R | AEGIS_W, REGION_PAGER))
        return 1;
    for (unsigned i = 0; i < PAGES; i++)
        DATABASE[i * PAGE] = (char)i;
    scan("least recently used first", 0);
    scan("most recently used first", 1);
    return 0;
}
