/* SPDX-License-Identifier: BSD-2-Clause */
/* Another name of sys/statfs.h. */
#pragma once

#include <sys/statfs.h>
