/* SPDX-License-Identifier: BSD-2-Clause */
/* Device numbers: 32 bits each. */
#pragma once

#include <sys/types.h>

#define major(device)     ((unsigned)((unsigned long)(device) >> 32))
#define minor(device)     ((unsigned)(device))
#define makedev(maj, min) ((dev_t)((unsigned long)(maj) << 32 | (unsigned)(min)))
