/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <aegis/upcall.h>

/* A string that is there when nothing else may be. */
#define PINNED_TEXT(text)                                                                          \
    (__extension__({                                                                               \
        static const PINNED_CONST char pinned_text[] = text;                                       \
        pinned_text;                                                                               \
    }))

/* Says what, where (the low 40 bits) and ends the environment. */
void last_words(const char *what, uint64_t pc, uint64_t address) __attribute__((noreturn));
