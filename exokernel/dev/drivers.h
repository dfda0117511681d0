/* SPDX-License-Identifier: BSD-2-Clause */
/* Network devices. Each function looks whether its device stands there: the driver, or null. */
#pragma once

#include "fdt.h"
#include "net.h"

#define NIC_FRAME 18 /* where a frame begins in a buffer of the kernel's: 2 behind a multiple of 8, a device's header before it */

/* virtio-net over mmio, modern or legacy (Virtual I/O Device 1.2, 4.2 and 5.1). */
const struct nic *virtio_net_start(const struct fdt_nic *at);
/* Cadence GEM, as the FU540 has it. */
const struct nic *gem_start(const struct fdt_nic *at);
