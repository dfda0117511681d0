/* SPDX-License-Identifier: BSD-2-Clause */
#include "elf.h"

#include <string.h>

#include <aegis/types.h>

#include "../vm/addresses.h"

#define PT_LOAD       1
#define PF_X          1
#define PF_W          2
#define PF_R          4
#define EM_RISCV      243
#define ET_EXEC       2
#define RVC_OR_DOUBLE 0x5 /* e_flags: compressed code, double-precision ABI */

struct header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t header_size, segment_size, segment_count, section_size, section_count, names;
};

struct segment_header {
    uint32_t type, flags;
    uint64_t offset, va, pa, file_size, memory_size, align;
};

_Static_assert(sizeof(struct header) == 64 && sizeof(struct segment_header) == 56, "ELF");

static const char *header_check(const struct header *h, size_t size)
{
    if (memcmp(h->ident, "\177ELF", 4))
        return "no ELF file";
    if (h->ident[4] != 2 || h->ident[5] != 1 || h->ident[6] != 1)
        return "not 64 bits, little endian";
    if (h->machine != EM_RISCV || h->version != 1)
        return "not for RISC-V";
    if (h->type != ET_EXEC)
        return "not a static executable";
    if (h->flags & ~RVC_OR_DOUBLE)
        return "another ABI than rv64gc, lp64d";
    if (h->segment_size != sizeof(struct segment_header) || h->segment_count == 0)
        return "no program headers";
    if (h->segments > size ||
        h->segment_count > (size - h->segments) / sizeof(struct segment_header))
        return "program headers outside the file";
    return NULL;
}

/* The parts of the address space that an image may use. */
static int range_allowed(uint64_t first, uint64_t end)
{
    if (first >= AEGIS_PINNED + AEGIS_PINNED_FREE * AEGIS_PAGE_SIZE)
        return end <= AEGIS_PINNED + AEGIS_PINNED_TABLES * AEGIS_PAGE_SIZE;
    return first >= AEGIS_USER_FIRST && end <= VM_META;
}

static const char *segment_check(const struct segment_header *s, size_t size)
{
    uint64_t end;

    if (s->file_size > s->memory_size)
        return "a segment larger in the file than in memory";
    if (s->file_size && (s->offset > size || s->file_size > size - s->offset)) /* of nothing it does not matter where it is not */
        return "a segment outside the file";
    if (__builtin_add_overflow(s->va, s->memory_size, &end) || end > AEGIS_USER_END ||
        !range_allowed(s->va, end))
        return "a segment at an address that programs do not have";
    if (!(s->flags & PF_R) || s->flags & ~(uint32_t)(PF_R | PF_W | PF_X))
        return "a segment that cannot be read";
    return NULL;
}

static int overlaps(const struct elf_segment *a, const struct elf_segment *b)
{
    return PAGE_DOWN(a->va) < PAGE_UP(b->va + b->memory_size) &&
           PAGE_DOWN(b->va) < PAGE_UP(a->va + a->memory_size);
}

static const char *segment_add(struct elf_program *p, const struct segment_header *s)
{
    if (p->count == ELF_SEGMENTS)
        return "too many segments";
    struct elf_segment *to = &p->segment[p->count];
    *to = (struct elf_segment){s->va, s->memory_size, s->offset, s->file_size,
                               AEGIS_R | (s->flags & PF_W ? AEGIS_W : 0) |
                                   (s->flags & PF_X ? AEGIS_X : 0)};
    for (unsigned i = 0; i < p->count; i++)
        if (overlaps(&p->segment[i], to))
            return "segments that share a page";
    p->count++;
    return NULL;
}

static const char *entry_check(const struct elf_program *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        const struct elf_segment *s = &p->segment[i];
        if (s->rights & AEGIS_X && p->entry >= s->va && p->entry - s->va < s->memory_size &&
            !(p->entry & 1))
            return NULL;
    }
    return "an entry point outside the code";
}

const char *elf_read(const uint8_t *image, size_t size, uint64_t memory,
                     struct elf_program *program)
{
    struct header h;
    struct segment_header s;
    uint64_t total = 0;
    const char *wrong;

    if (size < sizeof h)
        return "no ELF file";
    memcpy(&h, image, sizeof h);
    wrong = header_check(&h, size);
    program->entry = h.entry;
    program->count = 0;
    for (unsigned i = 0; !wrong && i < h.segment_count; i++) {
        memcpy(&s, image + h.segments + i * sizeof s, sizeof s);
        if (s.type != PT_LOAD || s.memory_size == 0)
            continue;
        wrong = segment_check(&s, size);
        if (!wrong)
            wrong = segment_add(program, &s);
        total += wrong ? 0 : PAGE_UP(s.va + s.memory_size) - PAGE_DOWN(s.va);
        if (!wrong && total > memory)
            wrong = "more memory than there is";
    }
    return wrong ? wrong : entry_check(program);
}
