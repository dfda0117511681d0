/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers.h"

const struct nic *gem_start(const struct fdt_nic *at)
{
    (void)at;
    return NULL;
}
