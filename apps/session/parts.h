/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of the machine for a session apart: naturally aligned, and nobody's yet. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct part {
    uint32_t first;
    unsigned order;
};

struct parts {
    struct part pages, slices, environments;
    unsigned hart;
};

/* Finds parts of the orders that stand in `p`, slices on p->hart. Which one is wanting: its name; null: all there. */
const char *parts_find(struct parts *p);
/* Makes the caller's roots those parts, and gives up whatever else it could pass on. For ever. False: refused. */
bool parts_confine(const struct parts *p);
/* Ends every environment of the part, whoever made it; the caller controls none of its own controllers. */
void parts_sweep(const struct parts *p);
