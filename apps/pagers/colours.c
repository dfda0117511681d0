/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pager of one's own: page colouring. Pages are allocated by their physical names, so that two
 * processes use different parts of a cache that is indexed by physical address, and never evict each
 * other's lines. Which pages are free everybody reads in the exposed page records.
 *
 *     aegis-cc -O2 -o colours colours.c
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>

#define PAGE    4096UL
#define DATA    ((char *)0x2800000000)
#define PAGES   64
#define COLOURS 16

static struct pager mine;
static unsigned colour; /* ours: this one and the seven after it */
static unsigned long search_from;

static int is_ours(unsigned long page)
{
    return (page - colour) % COLOURS < COLOURS / 2;
}

/* A page of our colours in a new slot: names are tried, most of them are free. */
static unsigned page_of_colour(void)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;
    unsigned slot = slot_find();

    for (unsigned long n = 0; n < e->page_count; n++) {
        unsigned long page = e->page_first + (search_from + n) % e->page_count;
        long error = AEGIS_E_NO_RESOURCE;
        if (is_ours(page))
            do
                error = aegis_page_alloc(AEGIS_SLOT_PAGES, page, 0, slot, AEGIS_NONE).error;
            while (error == AEGIS_E_AGAIN);
        if (!error) {
            search_from += n + 1;
            return slot;
        }
    }
    return 0;
}

static int deferred(uintptr_t va, unsigned access)
{
    if (va - (uintptr_t)DATA >= PAGES * PAGE)
        return page_deferred(va, access);
    return pager_put(va, page_of_colour(), AEGIS_R | AEGIS_W);
}

/* What the ledger says, not what we meant. */
static void show(const char *who)
{
    unsigned has[COLOURS] = {0};

    for (unsigned i = 0; i < PAGES; i++) {
        DATA[i * PAGE] = (char)i;
        unsigned slot = pager_find((uintptr_t)DATA + i * PAGE).slot;
        has[AEGIS_WHAT_RESOURCE(slot_claim(slot)->what) % COLOURS]++;
    }
    printf("%s:", who);
    for (unsigned i = 0; i < COLOURS; i++)
        printf(" %2u", has[i]);
    printf("\n");
    fflush(stdout);
}

int main(void)
{
    mine = pager_radix;
    mine.name = "colours";
    mine.deferred = deferred;
    if (pager_set(&mine) || pager_map((uintptr_t)DATA, PAGES, AEGIS_R | AEGIS_W, REGION_PAGER))
        return 1;
    printf("colour: ");
    for (unsigned i = 0; i < COLOURS; i++)
        printf(" %2u", i);
    printf("\n");
    fflush(stdout);
    if (fork() == 0) {
        colour = COLOURS / 2;
        show("child ");
        _exit(0);
    }
    show("parent");
    wait(0);
    return 0;
}
