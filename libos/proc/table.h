/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of proc/ know of each other. */
#pragma once

#include "../session/process.h"
