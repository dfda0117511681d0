/* SPDX-License-Identifier: BSD-2-Clause */
#include "devices.h"

#include "../core/page.h"
#include "../riscv/boot.h"
#include "console.h"
#include "log.h"
#include "net.h"
#include "plic.h"

/*
 * A device's page is numbered like memory's, far below it; so where its record stands, in front of the others, two pages
 * are kept. Devices whose records do not stand there are not offered.
 */
void devices_place(const struct fdt_info *fdt)
{
    pfn_t kept = 0;

    for (unsigned i = 0, n = 0; i < fdt->device_count && n < AEGIS_DEVICES - 1; i++) {
        const struct fdt_device *d = &fdt->device[i];
        uint64_t page = d->reg.base >> 12;
        uint64_t first = machine_page_of(&pages[page]), last = machine_page_of(&pages[page + 1]); /* of its record */
        if (page >= exposed.page_first || page >= UINT32_MAX)
            continue;
        if (!kept && memory_room(first, 2) == first) {
            kept = (pfn_t)first;
            memory_reserve((uint64_t)kept << 12, 2 * PAGE_SIZE);
            machine_clear(machine_direct(kept));
            machine_clear(machine_direct(kept + 1));
        }
        if (!kept || first < kept || last > kept + 1UL)
            continue;
        pages[page] = (struct aegis_page){.state = AEGIS_PAGE_USED, .flags = AEGIS_PAGE_IS_DEVICE};
        exposed.device[n++] = (struct aegis_device){(uint32_t)page, d->kind, d->irq, 0};
    }
}

void devices_start(const struct fdt_info *fdt, uint64_t boot_hartid)
{
    for (unsigned i = 0; i < fdt->hart_count; i++) {
        if (fdt->hart[i].id == boot_hartid && fdt->hart[i].context != FDT_NONE &&
            plic_start(fdt->plic.base, fdt->plic.size, fdt->plic_lines, fdt->hart[i].context)) {
            console_open(fdt->console.irq);
            net_start(fdt);
            return;
        }
    }
    log_print("no interrupt controller: the console has no input");
}
