/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pager of one's own: what has not been used for a while is kept compressed, and the program notices
 * nothing. 128 pages of data live in less than half of that.
 *
 *     compressed page: 512 bits, one a word: is it not zero? | the words that are not
 *
 *     aegis-cc -O2 -o compress compress.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <aegis/pager.h>

#define PAGE     4096UL
#define WORDS    (PAGE / 8)
#define DATA     ((uint64_t *)0x2800000000)
#define PAGES    128
#define RESIDENT 32

static struct pager mine;
static uint64_t *stored[PAGES]; /* null: never touched, or in memory */
static unsigned queue[RESIDENT], next, resident, faults;
static size_t bytes, most;

static uint64_t *compress(const uint64_t *page)
{
    uint64_t packed[WORDS / 64 + WORDS] = {0}, *to = packed + WORDS / 64;

    for (unsigned i = 0; i < WORDS; i++)
        if (page[i]) {
            packed[i / 64] |= 1UL << i % 64;
            *to++ = page[i];
        }
    bytes += (size_t)(to - packed) * 8;
    most = bytes > most ? bytes : most;
    uint64_t *kept = malloc((size_t)(to - packed) * 8);
    return kept ? memcpy(kept, packed, (size_t)(to - packed) * 8) : NULL;
}

static void expand(uint64_t *page, uint64_t *kept)
{
    const uint64_t *from = kept + WORDS / 64;

    for (unsigned i = 0; i < WORDS; i++)
        page[i] = kept[i / 64] >> i % 64 & 1 ? *from++ : 0;
    bytes -= (size_t)(from - kept) * 8;
    free(kept);
}

/* The page that has been there longest makes room. */
static unsigned evict(void)
{
    unsigned page = queue[next];
    uint64_t *va = DATA + page * WORDS;

    stored[page] = compress(va);
    return pager_take((uintptr_t)va, (struct page_entry){0, 0, PAGE_NONE, 0});
}

static int deferred(uintptr_t va, unsigned access)
{
    unsigned page = (unsigned)((va - (uintptr_t)DATA) / PAGE);

    if (page >= PAGES)
        return page_deferred(va, access);
    unsigned slot = resident < RESIDENT ? (unsigned)page_get_whole(0) : evict();
    resident += resident < RESIDENT;
    queue[next] = page;
    next = (next + 1) % RESIDENT;
    pager_put(va, slot, AEGIS_R | AEGIS_W);
    if (stored[page])
        expand((uint64_t *)va, stored[page]);
    else
        memset((void *)va, 0, PAGE);
    stored[page] = NULL;
    faults++;
    return 0;
}

int main(void)
{
    unsigned long wrong = 0;

    mine = pager_radix;
    mine.name = "compress";
    mine.deferred = deferred;
    if (pager_set(&mine) || pager_map((uintptr_t)DATA, PAGES, AEGIS_R | AEGIS_W, REGION_PAGER))
        return 1;
    for (unsigned k = 0; k < 4; k++)
        for (unsigned i = 0; i < PAGES * WORDS; i += 4) { /* three words of four stay zero */
            wrong += DATA[i] != (k ? i + k - 1 : 0);
            DATA[i] = i + k;
        }
    printf("%u pages in %lu: %u in memory, %lu KiB compressed at most; %u faults, %lu words wrong\n",
           PAGES, RESIDENT + (most + PAGE - 1) / PAGE, RESIDENT, most / 1024, faults, wrong);
    return wrong || RESIDENT * PAGE + most > PAGES * PAGE / 2 + PAGE * 8;
}
