/* SPDX-License-Identifier: BSD-2-Clause */
/* Another name of syslog.h. */
#pragma once

#include <syslog.h>
