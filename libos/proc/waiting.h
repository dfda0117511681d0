/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "../session/session.h"

/* Waits for a channel in a call that signals interrupt: 0 (look again; a restart counts), -EINTR. */
int call_wait(struct channel *c, uint64_t seen);
