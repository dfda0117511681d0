/* SPDX-License-Identifier: BSD-2-Clause */
/* The older name of termios.h. */
#pragma once

#include <termios.h>
