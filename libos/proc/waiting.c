/* SPDX-License-Identifier: BSD-2-Clause */
#include "waiting.h"

#include <errno.h>

#include "../signal/signals.h"

int call_wait(struct channel *c, uint64_t seen)
{
    signals_defer();
    int error = channel_wait(c, seen, 0);
    signals_allow();
    return error == -EINTR && signal_restart() ? 0 : error;
}
