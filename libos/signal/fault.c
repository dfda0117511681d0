/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said of an exception that is the program's own fault and that nobody catches. */
#include "fault.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <aegis/pager.h>

#include "../proc/elf.h"
#include "../sched/thread.h"
#include "../upcall/upcall_asm.h"
#include "../posix/process.h"

#define CALLERS 18
#define WORDS   512 /* of the stack that are searched for return addresses */

#define TEXT ((const char *)0x10000) /* where aegis.ld begins */
extern char __text_end[];

static const char *cause_name(uint64_t cause)
{
    static const char *const names[16] = {
        [CAUSE_FETCH_MISALIGNED] = "misaligned jump",
        [CAUSE_FETCH_ACCESS] = "jump into no memory",
        [CAUSE_ILLEGAL] = "illegal instruction",
        [CAUSE_BREAKPOINT] = "breakpoint",
        [CAUSE_LOAD_MISALIGNED] = "misaligned load",
        [CAUSE_LOAD_ACCESS] = "load from no memory",
        [CAUSE_STORE_MISALIGNED] = "misaligned store",
        [CAUSE_STORE_ACCESS] = "store to no memory",
        [CAUSE_FETCH_PAGE] = "jump to an address that cannot be executed",
        [CAUSE_LOAD_PAGE] = "load from an address that cannot be read",
        [CAUSE_STORE_PAGE] = "store to an address that cannot be written",
    };
    return cause < 16 && names[cause] ? names[cause] : "exception";
}

static void registers_print(const struct context *c)
{
    static const char *const names[31] = {"ra", "sp",  "gp",  "tp", "t0", "t1", "t2", "s0",
                                          "s1", "a0",  "a1",  "a2", "a3", "a4", "a5", "a6",
                                          "a7", "s2",  "s3",  "s4", "s5", "s6", "s7", "s8",
                                          "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    char line[160];
    int column = 0;

    for (unsigned i = 0; i < 31; i++) {
        if (i == CONTEXT_X(3))
            continue; /* gp is the platform's */
        snprintf(line, sizeof line, "%4s %016lx%s", names[i], (unsigned long)c->x[i],
                 ++column % 4 ? "" : "\n");
        console_print(2, line);
    }
    console_print(2, column % 4 ? "\n" : "");
}

static int is_code(uint64_t pc)
{
    return pc >= (uint64_t)TEXT && pc < (uint64_t)__text_end && !(pc & 1);
}

/* A word on the stack is taken for a return address if it follows a call instruction. */
static int follows_call(uint64_t pc)
{
    if (!is_code(pc - 4) || !is_code(pc))
        return 0;
    uint32_t last = *(const uint16_t *)(pc - 2), wide = *(const uint16_t *)(pc - 4) | last << 16;
    uint32_t opcode = wide & 0x7f, link = wide >> 7 & 31;
    return ((opcode == 0x6f || opcode == 0x67) && link == 1) ||
           ((last & 0xf07f) == 0x9002 && last & 0xf80);
}

static int readable(uint64_t va)
{
    return va >= AEGIS_PAGE_SIZE && va < AEGIS_EXPOSED &&
           pager_find(va).kind == PAGE_PRESENT;
}

/* Where it was, and return addresses from there on outwards, at most `max`. Old frames may show among them. */
static unsigned callers_find(const struct context *c, uint64_t *pc, unsigned max)
{
    const uint64_t *sp = (const uint64_t *)(c->x[CONTEXT_SP] & ~7UL);
    uint64_t ra = c->x[CONTEXT_X(1)];
    unsigned found = 0;

    pc[found++] = c->pc;
    if (follows_call(ra))
        pc[found++] = ra;
    for (unsigned i = 0; i < WORDS && found < max && readable((uint64_t)(sp + i)); i++)
        if (sp[i] != ra && follows_call(sp[i]))
            pc[found++] = sp[i];
    return found;
}

/* The archive's file of which this program's code is a copy: of a link, or of what the shell ran, too. */
static bool program_find(struct cpio_file *file)
{
    size_t bytes, offset = 0, text = (size_t)(__text_end - TEXT);
    const uint8_t *archive = archive_map(&bytes);
    struct elf_program program;

    while (archive && cpio_read(archive, bytes, &offset, file)) {
        if (elf_read(file->data, file->size, ~0UL, &program))
            continue;
        for (unsigned i = 0; i < program.count; i++) {
            const struct elf_segment *s = &program.segment[i];
            if (s->va == (uint64_t)TEXT && text - s->file_size < AEGIS_PAGE_SIZE &&
                !memcmp(file->data + s->file_offset, TEXT, s->file_size))
                return true;
        }
    }
    return false;
}

/* What is told first asks for nothing: should the memory be so broken that the rest fails, that much has been said. */
static void callers_print(const struct context *c)
{
    uint64_t pc[CALLERS], start;
    char line[128];
    struct cpio_file file;
    unsigned count = callers_find(c, pc, CALLERS);

    console_print(2, "callers:");
    for (unsigned i = 0; i < count; i++) {
        snprintf(line, sizeof line, " %lx", (unsigned long)pc[i]);
        console_print(2, line);
    }
    console_print(2, "\n(riscv64-unknown-elf-addr2line -pfae PROGRAM with these shows lines)\n");
    if (!program_find(&file))
        return;
    for (unsigned i = 0; i < count; i++) {
        const char *name = elf_function(file.data, file.size, i ? pc[i] - 1 : pc[i], &start);
        if (!is_code(pc[i]) || !name)
            continue;
        snprintf(line, sizeof line, "  %lx %.80s+%lx\n", (unsigned long)pc[i], name, (unsigned long)(pc[i] - start));
        console_print(2, line);
    }
}

void fault_report(const struct context *c, int signal)
{
    char line[128];

    snprintf(line, sizeof line, "signal %d: %s: pc %lx, address %lx\n", signal,
             cause_name(c->cause), (unsigned long)c->pc, (unsigned long)c->value);
    console_print(2, line);
    registers_print(c);
    callers_print(c);
}
