/* SPDX-License-Identifier: BSD-2-Clause */
/* What the devicetree says of devices, at boot. */
#pragma once

#include "fdt.h"

/* Records of the registers that applications may have (exposed.device). Before memory that is reserved is marked. */
void devices_place(const struct fdt_info *fdt);
/* Interrupts, all of them to the boot hart, and the console's input. */
void devices_start(const struct fdt_info *fdt, uint64_t boot_hartid);
