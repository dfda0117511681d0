/* SPDX-License-Identifier: BSD-2-Clause */
/* What fork.c and parked.c know of each other. All pinned and masked. */
#pragma once

#include "vm.h"

#define PAGE_RIGHTS_GIVEN (AEGIS_RWX | AEGIS_LEND)

extern char __pinned_data[];
extern unsigned slots_top; /* slot.c: no slot of a page from here on was ever used */

/* Pages that lose W, as far as they lie side by side. */
struct marking {
    uintptr_t start, end;
    unsigned rights;
};

/* A private page becomes copy-on-write; its translation follows by marking_end. */
void entry_mark(uintptr_t va, struct page_entry *e, struct marking *m);
void marking_end(const struct marking *m);

/* Whole words, in long runs. */
void words_copy(uint64_t *to, const uint64_t *from, const uint64_t *end);
void words_zero(uint64_t *to, const uint64_t *end);

/* The first page of the window that is not code. */
static inline unsigned window_data(void)
{
    return (unsigned)(((uintptr_t)__pinned_data - AEGIS_PINNED) / AEGIS_PAGE_SIZE);
}

/* parked.c: slots that a child that is not the parked one shall not have, by number. false: no more. */
bool parked_has(unsigned n, unsigned *slot);
/* The environment that was just made is kept: its own pages of the window, and who it is. */
void parked_keep(const uint16_t *window);
/* In a child: it has none. */
void parked_reset(void);
