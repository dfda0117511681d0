/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of functions, from a file that may say anything. */
#include <string.h>

#include "elf.h"

#define SHT_SYMTAB    2
#define SHF_EXECINSTR 4
#define STT_NOTYPE    0
#define STT_FUNC      2

struct section_header {
    uint32_t name, type;
    uint64_t flags, va, offset, size;
    uint32_t link, info;
    uint64_t align, entry_size;
};

struct symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};

_Static_assert(sizeof(struct section_header) == 64 && sizeof(struct symbol) == 24, "ELF");

/* A table as it lies in the file, unaligned perhaps; null: not wholly in it. */
static const uint8_t *part(const uint8_t *image, size_t size, uint64_t offset, uint64_t bytes)
{
    return offset <= size && bytes <= size - offset ? image + offset : NULL;
}

static int section_read(const uint8_t *image, size_t size, unsigned index, struct section_header *section)
{
    uint64_t first;
    uint16_t count;

    if (size < 64 || memcmp(image, "\177ELF\2\1", 6))
        return 0;
    memcpy(&first, image + 40, sizeof first);
    memcpy(&count, image + 60, sizeof count);
    if (index >= count || !part(image, size, first, (uint64_t)count * sizeof *section))
        return 0;
    memcpy(section, image + first + index * sizeof *section, sizeof *section);
    return 1;
}

/* Code without a size is assembly's: it reaches to the next symbol, within its section. */
static int holds(const uint8_t *image, size_t size, const struct symbol *s, uint64_t pc)
{
    struct section_header code;
    unsigned type = s->info & 15;

    if (s->value > pc || (type == STT_FUNC ? s->size && pc - s->value >= s->size : type != STT_NOTYPE))
        return 0;
    return s->section && section_read(image, size, s->section, &code) && code.flags & SHF_EXECINSTR && pc - code.va < code.size;
}

static const char *name_in(const uint8_t *strings, uint64_t size, uint32_t at)
{
    const char *name = (const char *)strings + at;
    return at < size && memchr(name, 0, size - at) && *name && *name != '.' && *name != '$' ? name : NULL;
}

const char *elf_function(const uint8_t *image, size_t size, uint64_t pc, uint64_t *start)
{
    struct section_header table, strings;
    const char *best = NULL;
    unsigned n = 0;

    do
        if (!section_read(image, size, n++, &table))
            return NULL;
    while (table.type != SHT_SYMTAB);
    const uint8_t *names;
    if (!part(image, size, table.offset, table.size) || !section_read(image, size, table.link, &strings) ||
        !(names = part(image, size, strings.offset, strings.size)))
        return NULL;
    for (uint64_t at = 0; at + sizeof(struct symbol) <= table.size; at += sizeof(struct symbol)) {
        struct symbol s;
        memcpy(&s, image + table.offset + at, sizeof s);
        const char *name = (!best || s.value >= *start) && holds(image, size, &s, pc) ? name_in(names, strings.size, s.name) : NULL;
        if (name) {
            best = name;
            *start = s.value;
        }
    }
    return best;
}
