/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first environment: the archive's `init`, with every root. It is the one program that the kernel loads; policy
 * starts there. Its ledger: self, the roots, its slot of time, the archive's blocks, then its own image.
 */
#include "../core/env.h"
#include "../core/map.h"
#include "../core/siphash.h"
#include "../core/slice.h"
#include "boot.h"

#define LEDGER_PAGES 8
#define LEAF_TABLES 16
#define ARCHIVE_BLOCKS 56
#define IMAGE_SLOT 128 /* the image's claims begin here: what lies below is the libOS's to lay out */
#define IMAGE_PAGES 800

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, va, pa, filesz, memsz, align;
};

#define ELF_LOAD 1
#define ELF_X 1
#define ELF_W 2

#define CPIO_HEADER 110 /* newc: six digits of magic, then fields of eight hexadecimal digits */
#define CPIO_SIZE 54
#define CPIO_NAME 94

static struct env *env;
static uint32_t slot_next = AEGIS_SLOT_BOOT;

static pfn_t page_get(unsigned order)
{
    pfn_t page;
    bool clean;

    if (page_take(AEGIS_ANY, order, 0, &page, &clean))
        boot_refuse("no memory for the first environment");
    for (unsigned i = 0; i < 1U << order && !clean; i++)
        machine_clear(machine_direct(page + i));
    return page;
}

static void claim_give(unsigned slot, unsigned type, unsigned rights, unsigned order, uint32_t resource)
{
    uint64_t what = AEGIS_WHAT(type, rights, order, resource), check;

    ASSERT(resource_check(what, &check));
    claim_fill(env, ledger_at(env, slot), what, check);
}

static void roots_give(void)
{
    static const struct { uint8_t slot, type; } roots[] = {
        {AEGIS_SLOT_PAGES, AEGIS_PAGE},     {AEGIS_SLOT_SLICES, AEGIS_SLICE},
        {AEGIS_SLOT_ENVS, AEGIS_ENV},       {AEGIS_SLOT_IRQS, AEGIS_IRQ},
        {AEGIS_SLOT_NETWORK, AEGIS_FILTER},
    };

    for (unsigned t = 0; t < AEGIS_TYPES; t++) {
        kernel.root_check[t] = check_new();
        kernel.single_check[t] = check_new();
    }
    for (unsigned i = 0; i < sizeof roots / sizeof roots[0]; i++)
        claim_give(roots[i].slot, roots[i].type | AEGIS_ROOT,
                   AEGIS_ALLOC | AEGIS_REVOKE | AEGIS_REKEY, AEGIS_ROOT_ORDER, 0);
    claim_give(AEGIS_SLOT_CONSOLE, AEGIS_CONSOLE, AEGIS_R | AEGIS_W | AEGIS_REKEY, 0, 0);
    claim_give(AEGIS_SLOT_MACHINE, AEGIS_MACHINE, AEGIS_W | AEGIS_REKEY, 0, 0);
}

/* The archive's pages become blocks like any others, readable, and free when they are given back. */
static void archive_give(void)
{
    pfn_t page = (pfn_t)exposed.archive.first;
    uint64_t left = exposed.archive.count;

    for (unsigned n = 0; left && n < ARCHIVE_BLOCKS; n++) {
        unsigned order = page_order_at(page, left);
        for (uint64_t i = 0; i < 1UL << order; i++)
            pages[page + i] = (struct aegis_page){.state = AEGIS_PAGE_TAIL};
        pages[page] = (struct aegis_page){.check = check_new(), .claims = 1, .order = (uint8_t)order,
                                          .state = AEGIS_PAGE_USED, .next = env->index};
        claim_give(slot_next++, AEGIS_PAGE, AEGIS_R, order, page);
        page += 1U << order;
        left -= 1UL << order;
    }
}

static void image_page(const struct elf_segment *s, const uint8_t *file, uint64_t va)
{
    unsigned rights = AEGIS_R | (s->flags & ELF_W ? AEGIS_W : 0) | (s->flags & ELF_X ? AEGIS_X : 0);
    pfn_t page = page_get(0);
    uint8_t *to = machine_direct(page);
    uint64_t from = va > s->va ? va : s->va, end = va + PAGE_SIZE;

    if (end > s->va + s->filesz)
        end = s->va + s->filesz;
    for (; from < end; from++)
        to[from - va] = file[s->offset + (from - s->va)];
    claim_give(slot_next, AEGIS_PAGE, AEGIS_RWX | AEGIS_REKEY | AEGIS_LEND, 0, page);
    if (map_claim(env, slot_next, va | rights))
        boot_refuse("init: a segment cannot be mapped");
    slot_next++;
}

static bool segment_sane(const struct elf_segment *s, uint64_t size)
{
    /* The application's addresses, or the free part of the pinned window: map_claim refuses the rest. */
    return s->filesz <= s->memsz && s->offset <= size && s->filesz <= size - s->offset &&
           s->va >= AEGIS_USER_FIRST && s->va < AEGIS_EXPOSED && s->memsz / PAGE_SIZE < IMAGE_PAGES;
}

static uint64_t image_load(const uint8_t *file, uint64_t size)
{
    const struct elf_header *h = (const struct elf_header *)file;

    if (size < sizeof *h || h->ident[0] != 0x7f || h->ident[1] != 'E' || h->ident[4] != 2 || h->type != 2 ||
        h->machine != 243 || h->phentsize != sizeof(struct elf_segment) || h->phoff & 7 || h->phoff > size ||
        h->phnum > (size - h->phoff) / h->phentsize)
        boot_refuse("init is not a static RISC-V ELF64 program");
    const struct elf_segment *s = (const struct elf_segment *)(file + h->phoff);
    for (unsigned i = 0; i < h->phnum; i++) {
        if (s[i].type != ELF_LOAD || !s[i].memsz)
            continue;
        if (!segment_sane(&s[i], size))
            boot_refuse("init: a segment lies outside its file or its address space");
        for (uint64_t va = s[i].va & -(uint64_t)PAGE_SIZE; va < s[i].va + s[i].memsz; va += PAGE_SIZE) {
            if (slot_next >= LEDGER_PAGES * AEGIS_CLAIMS_PER_PAGE)
                boot_refuse("init is too large");
            image_page(&s[i], file, va);
        }
    }
    return h->entry;
}

static uint64_t field(const uint8_t *digits)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++)
        value = value << 4 | ((digits[i] & 15) + (digits[i] > '9' ? 9 : 0));
    return value;
}

/* The archive's first member, which must be `init`; the others are its to read. */
static const uint8_t *init_find(const uint8_t *archive, size_t bytes, uint64_t *size)
{
    static const char magic[] = "070701";
    bool good = bytes > CPIO_HEADER + 8;

    for (unsigned i = 0; good && i < 6; i++)
        good = archive[i] == magic[i];
    for (unsigned i = 0; good && i < 5; i++)
        good = archive[CPIO_HEADER + i] == "init"[i];
    uint64_t data = (CPIO_HEADER + (good ? field(archive + CPIO_NAME) : 0) + 3) & ~3UL;
    *size = good ? field(archive + CPIO_SIZE) : 0;
    if (!good || data > bytes || *size > bytes - data)
        boot_refuse("the boot archive does not begin with a whole init");
    return archive + data;
}

static void env_make(void)
{
    pfn_t page[AEGIS_ENV_LENT];

    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        page[i] = page_get(0);
    env = env_boot_first(page);
    for (unsigned i = 1; i < LEDGER_PAGES; i++)
        env_boot_table(env, AEGIS_TABLE_LEDGER, page_get(0), 0);
    for (unsigned i = 0; i < LEAF_TABLES; i++)
        env_boot_table(env, AEGIS_TABLE_LEAF, page_get(1), 1);
}

void first_start(const void *archive, size_t bytes)
{
    uint32_t resource;
    uint64_t check, size;

    env_make();
    roots_give();
    archive_give();
    const uint8_t *init = init_find(archive, bytes, &size);
    slot_next = IMAGE_SLOT;
    uint64_t entry = image_load(init, size);
    struct activation *a = env_activate(env, page_get(1), &kernel.hart[0]);
    activation_user(a)->up_slice_begin = entry;
    activation_user(a)->masked = 1; /* until it has said where its upcalls go */
    for (unsigned i = 0; i < 4; i++) /* of type EMPTY: the MAC of no capability */
        activation_user(a)->seed[i] = siphash(kernel.key, i, ~0UL);
    if (slice_take(env, 0, &resource, &check))
        boot_refuse("no slot of time for init");
    claim_give(AEGIS_SLOT_SLICE0, AEGIS_SLICE, AEGIS_LEND | AEGIS_REKEY, 0, resource);
    exposed.first_claims = slot_next;
}
