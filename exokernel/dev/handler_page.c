/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of frames (net.md: a frame's page). A device receives into one; a handler sees it, and nothing else, at an address with
 * holes around it, and works there; from there it goes out. What others have left in it is cleared before a handler sees it.
 */
#include "../riscv/boot.h"
#include "handler.h"

#define ORDER 8
#define FIRST 97 /* entry of the image's middle table; the one before it is a hole */
#define TABLES_ORDER 2
#define A_TABLE (512 / NET_PAGE_SPAN)

_Static_assert(NET_PAGES == 1 << ORDER && NET_PAGES == A_TABLE << TABLES_ORDER, "as many as there are addresses");
_Static_assert(NET_PAGE_FRAME == ASH_FRAME_START && NET_PAGE_FRAME % 8 == 2 && ASH_FRAME_SIZE == PAGE_SIZE, "frames in pages");
_Static_assert(ASH_FRAME_GUARD + ASH_FRAME_SIZE <= NET_PAGE_SPAN * PAGE_SIZE, "holes");
_Static_assert(AEGIS_NET_FRAME_MAX < NET_PAGE_ROOM && NET_PAGE_FRAME + NET_PAGE_ROOM <= PAGE_SIZE, "room");

struct net_pages frame_pages;

static void clear(uint64_t *p, const uint64_t *end)
{
    for (; end - p >= 8; p += 8)
        p[0] = p[1] = p[2] = p[3] = p[4] = p[5] = p[6] = p[7] = 0;
    while (p < end)
        *p++ = 0;
}

void page_clean(uint64_t n, uint64_t *behind, uint64_t serial)
{
    char *at = frame_pages.first + n * PAGE_SIZE;
    union net_page *p = &frame_pages.page[n];

    if (p->handler == serial) {
        clear(behind, (const uint64_t *)(at + (NET_PAGE_FRAME + p->foreign + 7) / 8 * 8));
    } else {
        clear(behind, (const uint64_t *)(at + PAGE_SIZE));
        clear((uint64_t *)at, (const uint64_t *)(at + NET_PAGE_FRAME - 2));
        *(uint16_t *)(at + NET_PAGE_FRAME - 2) = 0;
    }
    p->whole = serial;
}

COLD void frames_start(void)
{
    frame_pages.first = net_pages(ORDER);
    uint64_t *leaves = net_pages(TABLES_ORDER), entry = (uint64_t)machine_page_of(frame_pages.first) << 10 | PTE_V | PTE_R | PTE_W | PTE_A | PTE_D;

    frame_pages.shown = ((uint64_t)image_start & -(1UL << 30)) + ((uint64_t)FIRST << 21);
    for (unsigned n = 0; n < NET_PAGES; n++) {
        if (n % A_TABLE == 0)
            image_middle[FIRST + n / A_TABLE] = (uint64_t)machine_page_of(leaves + n * NET_PAGE_SPAN) << 10 | PTE_V;
        leaves[n * NET_PAGE_SPAN] = entry + ((uint64_t)n << 10);
        frame_give(frame_pages.first + n * PAGE_SIZE + NET_PAGE_FRAME);
    }
    machine_flush_all();
}

COLD void frame_sum(char *frame, uint32_t length, uint32_t start, uint32_t offset)
{
    uint16_t *word = (uint16_t *)(frame + start), *end = (uint16_t *)(frame + (length & ~1U));
    uint64_t sum = 0;

    if (start % 2 || offset % 2 || start + offset + 2 > length) {
        net_nonsense();
        return;
    }
    for (uint16_t *to = word; to < end; to++)
        sum += *to;
    if (length % 2)
        sum += *(uint8_t *)end;
    for (unsigned i = 0; i < 3; i++)
        sum = (sum & 0xffff) + (sum >> 16);
    word[offset / 2] = (uint16_t)sum == 0xffff ? 0xffff : (uint16_t)~sum; /* 0 would say that there is none */
}
