/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: libos/proc/elf.c */
/* flags: -idirafter libos/include */
/* An ELF file that lies in each header field gets a reason, and no byte outside the file is read.
 */
#include "../../libos/proc/elf.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define SIZE   0x3000
#define MEMORY (1UL << 20)

static uint8_t good[SIZE];

static void put(uint8_t *file, size_t offset, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        file[offset + i] = (uint8_t)(value >> 8 * i);
}

/* Offsets in the header, and in the program header n. */
enum {
    TYPE = 16,
    MACHINE = 18,
    VERSION = 20,
    ENTRY = 24,
    PHOFF = 32,
    FLAGS = 48,
    PHENTSIZE = 54,
    PHNUM = 56
};
#define PH(n, field) (64 + 56 * (n) + (field))
enum { P_TYPE = 0, P_FLAGS = 4, P_OFFSET = 8, P_VA = 16, P_FILESZ = 32, P_MEMSZ = 40 };

static void segment(uint8_t *file, unsigned n, unsigned flags, uint64_t offset, uint64_t va,
                    uint64_t filesz, uint64_t memsz)
{
    put(file, PH(n, P_TYPE), 4, 1);
    put(file, PH(n, P_FLAGS), 4, flags);
    put(file, PH(n, P_OFFSET), 8, offset);
    put(file, PH(n, P_VA), 8, va);
    put(file, PH(n, P_FILESZ), 8, filesz);
    put(file, PH(n, P_MEMSZ), 8, memsz);
}

static void make(void)
{
    memset(good, 0, sizeof good);
    memcpy(good, "\177ELF\2\1\1", 7);
    put(good, TYPE, 2, 2);
    put(good, MACHINE, 2, 243);
    put(good, VERSION, 4, 1);
    put(good, ENTRY, 8, 0x10000);
    put(good, PHOFF, 8, 64);
    put(good, FLAGS, 4, 5);
    put(good, PHENTSIZE, 2, 56);
    put(good, PHNUM, 2, 3);
    segment(good, 0, 5, 0x1000, 0x10000, 0x1000, 0x1000);
    segment(good, 1, 6, 0x2000, 0x11000, 0x800, 0x2000);
    segment(good, 2, 6, 0x2800, 0x3fe08000, 0x100, 0x1000);
}

static struct elf_program program;

/* Reads a copy of exactly `size` bytes, so that the sanitizer sees any byte too many. */
static const char *read_copy(const uint8_t *file, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, file, size);
    const char *wrong = elf_read(copy, size, MEMORY, &program);
    free(copy);
    return wrong;
}

static bool refused(size_t offset, unsigned bytes, uint64_t value)
{
    uint8_t file[SIZE];
    memcpy(file, good, SIZE);
    put(file, offset, bytes, value);
    return read_copy(file, SIZE) != NULL;
}

static void test_good(void)
{
    tap(!read_copy(good, SIZE), "elf_good");
    tap(program.count == 3 && program.entry == 0x10000 &&
            program.segment[1].memory_size == 0x2000 && program.segment[0].rights == 0xa &&
            program.segment[1].rights == 0x6,
        "elf_good_values");
}

static void test_header(void)
{
    tap(refused(0, 1, 'e') && refused(4, 1, 1) && refused(5, 1, 2) && refused(6, 1, 0),
        "elf_ident");
    tap(refused(TYPE, 2, 3) && refused(TYPE, 2, 1), "elf_type");
    tap(refused(MACHINE, 2, 62), "elf_machine");
    tap(refused(VERSION, 4, 2), "elf_version");
    tap(refused(FLAGS, 4, 8) && refused(FLAGS, 4, ~0U), "elf_flags");
    tap(refused(PHENTSIZE, 2, 55) && refused(PHENTSIZE, 2, 0) && refused(PHENTSIZE, 2, 0xffff),
        "elf_phentsize");
    tap(refused(PHNUM, 2, 0) && refused(PHNUM, 2, 0xffff), "elf_phnum");
    tap(refused(PHOFF, 8, SIZE) && refused(PHOFF, 8, ~0UL) && refused(PHOFF, 8, SIZE - 56),
        "elf_phoff");
    tap(refused(ENTRY, 8, 0) && refused(ENTRY, 8, 0x11000) && refused(ENTRY, 8, 0x10001) &&
            refused(ENTRY, 8, 0x10000 + 0x1000),
        "elf_entry");
}

static void test_segments(void)
{
    tap(refused(PH(0, P_OFFSET), 8, SIZE) && refused(PH(0, P_OFFSET), 8, ~0UL), "elf_offset");
    tap(refused(PH(0, P_FILESZ), 8, 0x1001) && refused(PH(1, P_FILESZ), 8, ~0UL), "elf_filesz");
    tap(refused(PH(1, P_MEMSZ), 8, 0x7ff) && refused(PH(1, P_MEMSZ), 8, ~0UL) &&
            refused(PH(1, P_MEMSZ), 8, MEMORY),
        "elf_memsz");
    tap(refused(PH(0, P_VA), 8, 0) && refused(PH(0, P_VA), 8, ~0UL - 0xfff) &&
            refused(PH(0, P_VA), 8, 0xffffffff80200000) && refused(PH(0, P_VA), 8, 0x3fc0000000),
        "elf_va");
    tap(refused(PH(1, P_VA), 8, 0x10800) && refused(PH(1, P_VA), 8, 0xf000), "elf_overlap");
    tap(refused(PH(2, P_VA), 8, 0x3fe00000) && refused(PH(2, P_VA), 8, 0x3fe40000) &&
            refused(PH(2, P_VA), 8, 0x3fe3f001),
        "elf_pinned_window");
    tap(refused(PH(1, P_FLAGS), 4, 2) && refused(PH(1, P_FLAGS), 4, 0) &&
            refused(PH(1, P_FLAGS), 4, 8),
        "elf_segment_rights");
}

/* What tcc says of a program without data: its zeros begin in the file where that has ended. */
static void test_zeros(void)
{
    uint8_t file[SIZE];

    memcpy(file, good, SIZE);
    segment(file, 1, 6, SIZE + 0x288, 0x11288, 0, 0x30);
    tap(!read_copy(file, SIZE) && program.segment[1].memory_size == 0x30, "elf_zeros_beyond_the_file");
    put(file, PH(1, P_FILESZ), 8, 1);
    tap(read_copy(file, SIZE) != NULL, "elf_a_byte_beyond_the_file");
}

static void test_short(void)
{
    bool all = true;
    for (size_t size = 0; size < 64 + 3 * 56; size++)
        all &= read_copy(good, size) != NULL;
    tap(all, "elf_truncated");
}

/* Every byte of the headers, changed in turn: never a crash, and what is accepted lies in the file.
 */
static void test_bytes(void)
{
    uint8_t file[SIZE];
    bool sane = true;
    for (size_t at = 0; at < 64 + 3 * 56; at++)
        for (unsigned value = 0; value < 256; value += 5) {
            memcpy(file, good, SIZE);
            file[at] = (uint8_t)value;
            if (read_copy(file, SIZE))
                continue;
            for (unsigned i = 0; i < program.count; i++)
                sane &= program.segment[i].file_offset + program.segment[i].file_size <= SIZE &&
                        program.segment[i].memory_size <= MEMORY;
        }
    tap(sane, "elf_every_byte");
}

int main(void)
{
    make();
    test_good();
    test_header();
    test_segments();
    test_zeros();
    test_short();
    test_bytes();
    return tap_failed;
}
