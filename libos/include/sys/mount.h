/* SPDX-License-Identifier: BSD-2-Clause */
/* Nothing is mounted by programs here; statfs is what they want of this. */
#pragma once

#include <sys/statfs.h>
