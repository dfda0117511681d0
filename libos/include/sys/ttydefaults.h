/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The control character of a letter; programs of BSD's find the name here. */
#ifndef CTRL
#define CTRL(letter) ((letter) & 0x1f)
#endif
