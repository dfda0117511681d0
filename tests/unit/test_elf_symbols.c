/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: libos/proc/elf_symbols.c */
/* A file's symbol table, this test's own for one, names functions; one that lies or is cut off is never read beyond its end. */
#include "../../libos/proc/elf.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

extern const char __executable_start[];

static uint8_t *file;
static size_t size;

static __attribute__((noinline)) int one_of_ours(int x)
{
    __asm__ volatile("");
    return x + 1;
}

static void file_read(void)
{
    FILE *f = fopen("/proc/self/exe", "rb");
    fseek(f, 0, SEEK_END);
    size = (size_t)ftell(f);
    rewind(f);
    file = malloc(size);
    if (fread(file, 1, size, f) != size)
        abort();
    fclose(f);
}

static uint64_t address_of(const void *p)
{
    uint16_t type;
    memcpy(&type, file + 16, 2);
    return type == 3 ? (uint64_t)((const char *)p - __executable_start) : (uint64_t)p;
}

static void named(void)
{
    uint64_t start = 0, pc = address_of((void *)one_of_ours);
    const char *name = elf_function(file, size, pc + 1, &start);

    tap(one_of_ours(1) == 2 && name && !strcmp(name, "one_of_ours") && start == pc, "elf_symbols_named");
    tap(!elf_function(file, size, 0, &start) && !elf_function(file, size, size * 16, &start), "elf_symbols_nothing_elsewhere");
}

/* In a block of exactly its size, so that the sanitizer sees each byte too many. */
static void lie(size_t at, uint64_t value, size_t width, size_t keep)
{
    uint8_t *copy = malloc(keep);
    uint64_t start;

    memcpy(copy, file, keep);
    if (at + width <= keep)
        memcpy(copy + at, &value, width);
    elf_function(copy, keep, address_of((void *)one_of_ours), &start);
    free(copy);
}

static void lies(void)
{
    static const uint64_t values[] = {0, 1, 63, 64, 0xffff, 1UL << 32, ~0UL, ~63UL, 1UL << 63};
    uint64_t sections;
    uint16_t count;

    memcpy(&sections, file + 40, sizeof sections);
    memcpy(&count, file + 60, sizeof count);
    for (unsigned v = 0; v < sizeof values / sizeof values[0]; v++) {
        lie(40, values[v], 8, size);
        lie(60, values[v], 2, size);
        for (unsigned s = 0; s < count; s++)
            for (unsigned field = 24; field <= 40; field += 8)
                lie(sections + s * 64UL + field, values[v], 8, size);
    }
    for (size_t keep = 1; keep < size; keep += size / 64 + 1)
        lie(0, 0, 0, keep);
    tap(true, "elf_symbols_lies");
}

int main(void)
{
    file_read();
    named();
    lies();
    return tap_failed;
}
