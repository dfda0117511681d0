/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of booting; each file of riscv/ has its own. */
#pragma once

#include "../core/kernel.h"
#include "../dev/fdt.h"

extern char image_start[], image_end[];
extern uint64_t image_middle[512]; /* tables.c: of the gibibyte in which the image lies */

/* What the kernel's command line asks for; defaults where it is silent. */
struct options {
    bool framed, bench, no_asid, no_sstc;
    unsigned harts;
    uint64_t slice_us, grace_us;
    uint64_t trace;     /* bit n: call n */
    const char *seed;   /* hexadecimal digits, or null */
    size_t seed_size;
};

/* options.c: `text` must outlive the options. */
void options_read(struct options *options, const char *text);

/* tables.c: the kernel's address space and the exposed one's part of every other. */
void tables_map_memory(uint64_t first, uint64_t count);
void tables_map_exposed(pfn_t records, uint64_t record_pages, pfn_t tables);
/* Pages of code that is made while the machine runs, R-X at the address returned; they are written through the direct map. */
uint64_t tables_map_code(pfn_t first, uint64_t count);

/* From here on the kernel's part of every address space stays as it is. */
void tables_close(void);

/* memory.c: what is free of the physical memory, in pages. */
void memory_add(const struct fdt_range *range);
void memory_reserve(uint64_t base, uint64_t size);
/* The first run of pages behind `at` in which nothing is reserved; 0: there is none. */
pfn_t memory_room(uint64_t at, uint64_t count);
/* Makes the page records, exposes them, and gives what is free to core/page. */
void memory_start(const struct fdt_info *fdt);

/* harts.c */
void hart_prepare(unsigned index, uint64_t hartid, const struct options *options, uint32_t time_hz);
/* Traps, counters and interrupts of the hart that calls it; then it counts as online. */
void hart_enter(unsigned index);
void hart_start_others(unsigned count);

/* first.c: the first environment, from the archive in the direct map. */
void first_start(const void *archive, size_t bytes);

/* A sentence, and the end: the machine or what was handed over is not enough to run on. */
void boot_refuse(const char *why) __attribute__((noreturn));
