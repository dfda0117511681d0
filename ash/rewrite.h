/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a safe handler of ordinary RV64 code (user level; the kernel believes none of it). README.md, "Rewriting".
 * Sandboxing of object code as in Wahbe et al. (SOSP'93), with the verifier's own arithmetic to see what needs none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "verify.h"

/* An instruction as the compiler left it, s7 to s11, t6, gp and tp unused (but for s11 in calls of entries). */
struct ash_source {
    uint32_t word;
    int32_t target;   /* of a branch or jump: which instruction; -1 for others */
    uint32_t address; /* where it stands, for messages */
    bool data;        /* a lui whose value is a place in the window, counted from its base */
};

#define ASH_SOURCE_MAX 65536

struct ash_program {
    const struct ash_source *source;
    uint32_t count, entry; /* count: at most ASH_SOURCE_MAX */
    uint32_t window; /* bytes */
};

/* What came out. Arrays are its own: ash_result_free. */
struct ash_result {
    uint32_t *word;
    struct ash_label *label;
    struct ash_known *known;
    uint32_t words, labels, knowns;
    uint32_t guards; /* accesses that needed one */
    char message[160];
    uint32_t address; /* of the instruction that the message is about */
};

/* False: it cannot be made safe; the message says why. The result passes the verifier. */
bool ash_rewrite(const struct ash_program *p, struct ash_result *r);
void ash_result_free(struct ash_result *r);

/* A sentence for an error of the verifier. */
const char *ash_error_text(enum ash_error error);
