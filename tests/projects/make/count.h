// SPDX-License-Identifier: BSD-2-Clause
#pragma once
#include <stdio.h>

struct count {
    unsigned long lines, words, bytes;
};

struct count count_stream(FILE *in);
