/* SPDX-License-Identifier: BSD-2-Clause */
/* Device numbers: the minor one in the lowest 8 bits. */
#pragma once

#include <sys/types.h>

#define major(device)     ((unsigned)((device) >> 8))
#define minor(device)     ((unsigned)((device)&0xff))
#define makedev(maj, min) ((dev_t)(maj) << 8 | ((min)&0xff))
