/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt.h"

#include <aegis/exposed.h>

#include <stdbool.h>

#define MAGIC 0xd00dfeed
#define HEADER 40
#define BEGIN_NODE 1
#define END_NODE 2
#define PROPERTY 3
#define NOP 4
#define END 9

/* Nodes deeper than this hold nothing for us and are passed over. */
#define DEPTH 8
#define S_MODE_EXTERNAL 9

enum property {
    ADDRESS_CELLS, SIZE_CELLS, REG, COMPATIBLE, STATUS, DEVICE_TYPE, MMU_TYPE, PHANDLE, INTERRUPTS,
    TARGETS, NDEV, BOOTARGS, INITRD_START, INITRD_END, RNG_SEED, STDOUT, TIMEBASE, REG_SHIFT, MAC,
    PROPERTIES
};

static const char *const names[PROPERTIES] = {
    "#address-cells", "#size-cells", "reg", "compatible", "status", "device_type", "mmu-type",
    "phandle", "interrupts", "interrupts-extended", "riscv,ndev", "bootargs", "linux,initrd-start",
    "linux,initrd-end", "rng-seed", "stdout-path", "timebase-frequency", "reg-shift",
    "local-mac-address",
};

struct node {
    const char *name;
    uint32_t intc; /* of a cpu: phandle of the controller below it */
    struct fdt_value value[PROPERTIES];
};

struct walk {
    const uint8_t *blob;
    uint32_t total, at, end, strings, strings_end;
    uint32_t depth; /* of the open node; node[0] is the root */
    struct node node[DEPTH];
    struct fdt_info *info;
};

static uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t cells(const uint8_t *p, unsigned count)
{
    uint64_t value = 0;
    while (count--) {
        value = value << 32 | word(p);
        p += 4;
    }
    return value;
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* A node's name up to its unit address. */
static bool named(const struct node *node, const char *name)
{
    const char *a = node->name;
    while (*name && *a == *name)
        a++, name++;
    return !*name && (!*a || *a == '@');
}

/* Is `text` one of the strings in a value? */
static bool lists(struct fdt_value value, const char *text)
{
    uint32_t at = 0;
    if (!value.size || value.data[value.size - 1])
        return false;
    while (at < value.size) {
        if (same((const char *)value.data + at, text))
            return true;
        while (value.data[at])
            at++;
        at++;
    }
    return false;
}

static bool starts(struct fdt_value value, const char *text)
{
    uint32_t at = 0;
    while (text[at] && at < value.size && (char)value.data[at] == text[at])
        at++;
    return !text[at];
}

static uint32_t value_word(struct fdt_value value, uint32_t fallback)
{
    return value.size >= 4 ? word(value.data) : fallback;
}

static uint64_t value_number(struct fdt_value value)
{
    return value.size >= 8 ? cells(value.data, 2) : value_word(value, 0);
}

/* Range number `index` of a node's reg, in its parent's cells. */
static bool reg(const struct node *node, const struct node *parent, unsigned index,
                struct fdt_range *range)
{
    uint32_t a = value_word(parent->value[ADDRESS_CELLS], 2),
             s = value_word(parent->value[SIZE_CELLS], 1);
    struct fdt_value value = node->value[REG];
    if (a > 2 || s > 2 || !a || (uint64_t)(index + 1) * (a + s) * 4 > value.size)
        return false;
    const uint8_t *p = value.data + index * (a + s) * 4;
    range->base = cells(p, a);
    range->size = cells(p + a * 4, s);
    return range->base + range->size >= range->base;
}

static unsigned regs(const struct node *node, const struct node *parent, struct fdt_range *range,
                     unsigned count, unsigned limit)
{
    for (unsigned i = 0; count < limit && reg(node, parent, i, &range[count]); i++)
        count += range[count].size != 0;
    return count;
}

static bool okay(const struct node *node)
{
    struct fdt_value status = node->value[STATUS];
    return !status.size || lists(status, "okay") || lists(status, "ok");
}

static void hart_found(struct walk *w, const struct node *node, const struct node *parent)
{
    struct fdt_info *info = w->info;
    uint32_t a = value_word(parent->value[ADDRESS_CELLS], 1);
    if (!starts(node->value[MMU_TYPE], "riscv,sv") || !okay(node) || info->hart_count == FDT_HARTS)
        return;
    if (!a || a > 2 || node->value[REG].size < a * 4)
        return;
    info->hart[info->hart_count++] =
        (struct fdt_hart){cells(node->value[REG].data, a), node->intc, FDT_NONE};
}

/* Its first line at the interrupt controller. */
static uint32_t irq_of(const struct node *node)
{
    struct fdt_value extended = node->value[TARGETS];
    return value_word(node->value[INTERRUPTS], extended.size >= 8 ? word(extended.data + 4) : 0);
}

/* Registers that share a page with anything else are no application's. */
static void passive_found(struct walk *w, const struct node *node, const struct node *parent,
                          uint32_t kind)
{
    struct fdt_info *info = w->info;
    struct fdt_device device = {.kind = kind, .irq = irq_of(node)};
    if (info->device_count == FDT_DEVICES || !okay(node) || !reg(node, parent, 0, &device.reg))
        return;
    if (device.reg.size && !(device.reg.base & 0xfff) && !(device.reg.size & 0xfff))
        info->device[info->device_count++] = device;
}

static void uart_found(struct walk *w, const struct node *node, const struct node *parent,
                       uint32_t kind)
{
    struct fdt_info *info = w->info;
    struct fdt_uart uart = {.name = node->name, .kind = kind};
    if (info->uart_count == FDT_UARTS || !okay(node) || !reg(node, parent, 0, &uart.reg))
        return;
    uart.irq = irq_of(node);
    uart.shift = value_word(node->value[REG_SHIFT], 0);
    if (uart.shift <= 2)
        info->uart[info->uart_count++] = uart;
}

static void nic_found(struct walk *w, const struct node *node, const struct node *parent, uint32_t kind)
{
    struct fdt_info *info = w->info;
    struct fdt_nic nic = {.kind = kind, .irq = irq_of(node)};
    if (info->nic_count == FDT_NICS || !okay(node) || !reg(node, parent, 0, &nic.reg))
        return;
    for (unsigned i = 0; i < 6 && node->value[MAC].size == 6; i++)
        nic.mac[i] = node->value[MAC].data[i];
    info->nic[info->nic_count++] = nic;
}

static void plic_found(struct walk *w, const struct node *node, const struct node *parent, uint32_t kind)
{
    (void)kind;
    reg(node, parent, 0, &w->info->plic);
    w->info->plic_lines = value_word(node->value[NDEV], 0);
    w->info->plic_targets = node->value[TARGETS];
}

static void finisher_found(struct walk *w, const struct node *node, const struct node *parent, uint32_t kind)
{
    (void)kind;
    reg(node, parent, 0, &w->info->finisher);
}

static void device_found(struct walk *w, const struct node *node, const struct node *parent)
{
    static const struct {
        const char *compatible;
        void (*found)(struct walk *, const struct node *, const struct node *, uint32_t kind);
        uint32_t kind;
    } devices[] = {
        {"ns16550a", uart_found, FDT_UART_NS16550},
        {"ns16550", uart_found, FDT_UART_NS16550},
        {"sifive,uart0", uart_found, FDT_UART_SIFIVE},
        {"riscv,plic0", plic_found, 0},
        {"sifive,plic-1.0.0", plic_found, 0},
        {"google,goldfish-rtc", passive_found, AEGIS_DEVICE_GOLDFISH_RTC},
        {"sifive,pwm0", passive_found, AEGIS_DEVICE_SIFIVE_PWM},
        {"virtio,mmio", nic_found, FDT_NIC_VIRTIO},
        {"sifive,fu540-c000-gem", nic_found, FDT_NIC_GEM},
        {"sifive,test1", finisher_found, 0},
    };

    for (unsigned i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (lists(node->value[COMPATIBLE], devices[i].compatible)) {
            devices[i].found(w, node, parent, devices[i].kind);
            return;
        }
}

static void chosen_found(struct walk *w, const struct node *node)
{
    struct fdt_info *info = w->info;
    info->bootargs = node->value[BOOTARGS];
    info->seed = node->value[RNG_SEED];
    info->stdout = node->value[STDOUT];
    info->initrd_start = value_number(node->value[INITRD_START]);
    info->initrd_end = value_number(node->value[INITRD_END]);
}

/* All of a node's properties and children are known. */
__attribute__((noinline)) static void node_found(struct walk *w, struct node *node, struct node *parent)
{
    struct fdt_info *info = w->info;
    if (lists(node->value[DEVICE_TYPE], "memory") && w->depth == 1) {
        if (okay(node))
            info->memory_count = regs(node, parent, info->memory, info->memory_count, FDT_RANGES);
    } else if (named(node, "chosen") && w->depth == 1) {
        chosen_found(w, node);
    } else if (named(parent, "reserved-memory")) {
        info->reserved_count =
            regs(node, parent, info->reserved, info->reserved_count, FDT_RESERVED);
    } else if (lists(node->value[COMPATIBLE], "riscv,cpu-intc")) {
        parent->intc = value_word(node->value[PHANDLE], FDT_NONE);
    } else if (lists(node->value[DEVICE_TYPE], "cpu")) {
        hart_found(w, node, parent);
    } else {
        device_found(w, node, parent);
    }
    if (node->value[TIMEBASE].size >= 4)
        info->time_hz = (uint32_t)value_number(node->value[TIMEBASE]);
}

/* The string at an offset, or null when it does not end before `end`. */
static const char *string(const struct walk *w, uint32_t at, uint32_t end)
{
    for (uint32_t i = at; i < end; i++) {
        if (!w->blob[i])
            return (const char *)w->blob + at;
    }
    return NULL;
}

static bool node_begin(struct walk *w)
{
    const char *name = string(w, w->at, w->end);
    if (!name)
        return false;
    while (w->blob[w->at])
        w->at++;
    w->at = (w->at + 4) & ~3U;
    w->depth++;
    if (w->depth < DEPTH)
        w->node[w->depth] = (struct node){.name = name, .intc = FDT_NONE};
    return w->depth < 64;
}

static bool node_end(struct walk *w)
{
    if (!w->depth)
        return false;
    if (w->depth < DEPTH && w->depth > 1) {
        w->depth--;
        node_found(w, &w->node[w->depth + 1], &w->node[w->depth]);
        return true;
    }
    w->depth--;
    return true;
}

static bool property(struct walk *w)
{
    if (w->end - w->at < 8 || !w->depth)
        return false;
    uint32_t size = word(w->blob + w->at), name = word(w->blob + w->at + 4);
    w->at += 8;
    if (size > w->end - w->at || name > w->strings_end - w->strings)
        return false;
    const char *text = string(w, w->strings + name, w->strings_end);
    if (!text)
        return false;
    for (unsigned i = 0; i < PROPERTIES && w->depth < DEPTH; i++) {
        if (same(text, names[i]))
            w->node[w->depth].value[i] = (struct fdt_value){w->blob + w->at, size};
    }
    w->at += (size + 3) & ~3U;
    return true;
}

static const char *walk_structure(struct walk *w)
{
    while (w->at <= w->end && w->end - w->at >= 4) {
        uint32_t token = word(w->blob + w->at);
        bool good = true;
        w->at += 4;
        if (token == BEGIN_NODE)
            good = node_begin(w);
        else if (token == END_NODE)
            good = node_end(w);
        else if (token == PROPERTY)
            good = property(w);
        else if (token == END)
            return w->depth ? "devicetree: a node is not closed" : NULL;
        else
            good = token == NOP;
        if (!good)
            return "devicetree: the structure block is corrupt";
    }
    return "devicetree: the structure block has no end";
}

/* The memory reservation block. */
static const char *walk_reserved(struct walk *w, uint32_t at)
{
    struct fdt_info *info = w->info;
    for (; at <= w->total && w->total - at >= 16; at += 16) {
        struct fdt_range r = {cells(w->blob + at, 2), cells(w->blob + at + 8, 2)};
        if (!r.base && !r.size)
            return NULL;
        if (r.base + r.size < r.base || info->reserved_count == FDT_RESERVED)
            break;
        info->reserved[info->reserved_count++] = r;
    }
    return "devicetree: the reservation block is corrupt";
}

static const char *header(struct walk *w, size_t size)
{
    if (size < HEADER || word(w->blob) != MAGIC)
        return "devicetree: no magic number";
    w->total = word(w->blob + 4);
    w->at = word(w->blob + 8);
    w->strings = word(w->blob + 12);
    if (w->total > size || w->total < HEADER)
        return "devicetree: truncated";
    if (word(w->blob + 20) < 17 || word(w->blob + 24) > 17)
        return "devicetree: not version 17";
    uint32_t strings_size = word(w->blob + 32), structure_size = word(w->blob + 36);
    if (w->at > w->total || structure_size > w->total - w->at || w->at & 3 ||
        w->strings > w->total || strings_size > w->total - w->strings)
        return "devicetree: a block lies outside";
    w->end = w->at + structure_size;
    w->strings_end = w->strings + strings_size;
    return NULL;
}

/* The PLIC's contexts in order, each a pair (phandle of a hart's controller, its interrupt). */
static void contexts_find(struct fdt_info *info)
{
    struct fdt_value targets = info->plic_targets;
    for (uint32_t i = 0; i < targets.size / 8; i++) {
        uint32_t intc = word(targets.data + i * 8), irq = word(targets.data + i * 8 + 4);
        for (unsigned h = 0; h < info->hart_count; h++) {
            if (irq == S_MODE_EXTERNAL && info->hart[h].intc == intc && intc != FDT_NONE)
                info->hart[h].context = i;
        }
    }
}

/* Does stdout-path ("/soc/serial@10000000:115200") end in this node's name? */
static bool is_stdout(struct fdt_value path, const char *name)
{
    uint32_t start = 0, i = 0;
    for (uint32_t at = 0; at < path.size && path.data[at] && path.data[at] != ':'; at++) {
        if (path.data[at] == '/')
            start = at + 1;
    }
    while (start + i < path.size && name[i] && (char)path.data[start + i] == name[i])
        i++;
    return i && !name[i] && start + i < path.size &&
           (!path.data[start + i] || path.data[start + i] == ':');
}

static void console_find(struct fdt_info *info)
{
    for (unsigned i = 0; i < info->uart_count; i++) {
        struct fdt_uart *uart = &info->uart[i];
        if (is_stdout(info->stdout, uart->name)) {
            info->console = *uart;
            return;
        }
        if (!info->console.kind || uart->reg.base < info->console.reg.base)
            info->console = *uart;
    }
}

const char *fdt_read(struct fdt_info *info, const void *blob, size_t size)
{
    struct walk w = {.blob = blob, .info = info};
    *info = (struct fdt_info){0};
    const char *wrong = header(&w, size);
    if (!wrong)
        wrong = walk_reserved(&w, word(w.blob + 16));
    if (!wrong)
        wrong = walk_structure(&w);
    if (wrong)
        return wrong;
    contexts_find(info);
    console_find(info);
    return NULL;
}
