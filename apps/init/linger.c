/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linger: sees to what programs that have ended left unacknowledged, until their peers have it or have been silent for so long
 * that TCP gives up. init starts it when nobody else waits for the network.
 */
#include "../../libos/net/network.h"

int main(void)
{
    network_finish();
    return 0;
}
