/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <signal.h>

#include "../signal/signals.h"
