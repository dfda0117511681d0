/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory under a pager: every translation of ours is dropped again and again, of code, data, heap
 * and stack, and nothing is lost; the heap grows, ends in ENOMEM and goes on; the stack grows on
 * demand.
 */
#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#define BLOCKS 200

static int drop(uintptr_t va, struct page_entry *entry, void *dropped)
{
    (void)va;
    while (aegis_unmap(AEGIS_SLOT_SELF, entry->slot).error == AEGIS_E_AGAIN)
        ;
    ++*(int *)dropped;
    return 0;
}

static unsigned long seed = 1;

static unsigned random_number(void)
{
    seed = seed * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(seed >> 33);
}

static int block_good(const unsigned char *p, size_t size, int k)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] != (unsigned char)(k + i))
            return 0;
    return 1;
}

static void vanishing(void)
{
    static unsigned char *block[BLOCKS];
    static size_t size[BLOCKS];
    int dropped = 0, good = 1;
    double sum = 0;

    for (int round = 0; round < 100; round++) {
        pager_each(drop, &dropped);
        for (int i = 0; i < 20; i++) {
            int k = (int)(random_number() % BLOCKS);
            good &= block_good(block[k], size[k], k);
            free(block[k]);
            size[k] = random_number() % 20000;
            block[k] = malloc(size[k]);
            for (size_t b = 0; b < size[k]; b++)
                block[k][b] = (unsigned char)(k + b);
            sum += 0.5;
        }
    }
    tap(good && sum == 1000 && dropped > 1000, "memory_every_translation_may_vanish");
    for (int k = 0; k < BLOCKS; k++)
        free(block[k]);
}

static void heap(void)
{
    size_t size = 40 << 20;
    unsigned char *p = malloc(size);
    int good = p != NULL;
    for (size_t i = 0; good && i < size; i += 4096)
        p[i] = (unsigned char)(i >> 12);
    for (size_t i = 0; good && i < size; i += 4096)
        good &= p[i] == (unsigned char)(i >> 12);
    free(p);
    tap(good, "memory_large_block");
    errno = 0;
    tap(!malloc(1UL << 40) && errno == ENOMEM && sbrk(-(1L << 40)) == (void *)-1, "memory_enomem");
    p = malloc(100000);
    tap(p && memset(p, 1, 100000), "memory_after_enomem");
    free(p);
}

static int deep(int n)
{
    volatile char room[2000];
    room[0] = (char)n;
    return n ? deep(n - 1) + (room[0] == (char)n) : 0;
}

static void stack(void)
{
    tap(deep(2000) == 2000, "memory_stack_grows");
    for (int i = 0; i < 50; i++) {
        int dropped = 0;
        pager_each(drop, &dropped);
        if (deep(50) != 50) {
            tap(0, "memory_stack_vanishes");
            return;
        }
    }
    tap(1, "memory_stack_vanishes");
}

static void pager(void)
{
    uintptr_t va = 0x2000000000;
    uint64_t before = AEGIS_EXPOSED_STATE->free_pages;
    tap(pager_map(va, 16, AEGIS_R | AEGIS_W, REGION_ZERO) == 0 &&
            pager_map(va, 1, AEGIS_R, REGION_ZERO) == EEXIST,
        "pager_map");
    volatile int *p = (int *)va;
    p[0] = 1;
    p[1024 * 15] = 2;
    tap(p[0] == 1 && p[1024] == 0 && pager_find(va).kind == PAGE_PRESENT,
        "pager_zero_filled");
    tap(pager_protect(va, 1, AEGIS_R) == 0 && p[0] == 1 &&
            pager_protect(va, 1, AEGIS_R | AEGIS_W) == 0 && (p[0] = 3),
        "pager_protect");
    tap(pager_unmap(va, 16) == 0 && pager_find(va).kind == PAGE_NONE, "pager_unmap");
    for (int i = 0; i < 2000; i++) {
        pager_map(va, 4, AEGIS_R | AEGIS_W, REGION_ZERO);
        p[0] = p[3 * 1024] = i;
        pager_unmap(va, 4);
    }
    tap(before - AEGIS_EXPOSED_STATE->free_pages < 16, "pager_nothing_leaks");
}

int main(void)
{
    vanishing();
    heap();
    stack();
    pager();
    return tap_failed;
}
