/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <netinet/if_ether.h>
