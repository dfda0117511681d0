/* SPDX-License-Identifier: BSD-2-Clause */
/* The filters' language (README.md). Pure: for the kernel, the libOS and the host. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DPF_ATOMS  32
#define DPF_SHIFTS 3
#define DPF_OFFSET_MAX 1024 /* of an atom's last byte, from its base */
#define DPF_SHIFT_MAX 1024  /* bytes that one shift adds at most */

enum dpf_kind { DPF_EQ = 1, DPF_RANGE, DPF_SHIFT };

/* Values and masks are numbers as they stand in the frame: network order, first byte highest. */
struct dpf_atom {
    uint8_t kind;    /* enum dpf_kind */
    uint8_t width;   /* bytes: 1, 2, 4, 8; SHIFT and RANGE: 1 or 2 (RANGE: 4 too) */
    uint8_t left;    /* SHIFT */
    uint8_t add;     /* SHIFT */
    uint32_t offset; /* from the present base */
    uint64_t mask;
    uint64_t low;  /* EQ: the value */
    uint64_t high; /* RANGE */
};

struct dpf_filter {
    uint32_t count;
    struct dpf_atom atom[DPF_ATOMS];
};

enum dpf_error {
    DPF_OK,
    DPF_BAD_COUNT = -1,  /* no atoms, or more than DPF_ATOMS */
    DPF_BAD_KIND = -2,
    DPF_BAD_WIDTH = -3,
    DPF_BAD_OFFSET = -4, /* beyond DPF_OFFSET_MAX */
    DPF_BAD_MASK = -5,   /* zero, or wider than the load; or a value with bits outside it: it can never match */
    DPF_BAD_RANGE = -6,  /* empty */
    DPF_BAD_SHIFT = -7,  /* more than DPF_SHIFTS, or one that may be longer than DPF_SHIFT_MAX */
    DPF_DUPLICATE = -8,  /* the same filter is installed */
    DPF_NO_MEMORY = -9,  /* no cells left */
    DPF_COLLISIONS = -10,
    DPF_INVALID = -11,   /* the validator refused what was generated: a defect of ours */
    DPF_NO_FILTER = -12, /* removal of what is not there */
    DPF_AGAIN = -13,     /* a change is not committed, or much is retired: reclaim first */
    DPF_RIVALS = -14,    /* too many filters whose frames it may take */
};

/* Whether it can be installed: 0 or DPF_BAD_*. Unused fields must be zero, so that equal filters are equal bytes. */
int dpf_check(const struct dpf_filter *filter);

/* By interpretation: the reference that compiled code is compared with. */
bool dpf_match(const struct dpf_filter *filter, const uint8_t *frame, size_t length);

/* Whether some frame could match both. May say yes where none can (after different shifts), never no where one can. */
bool dpf_overlap(const struct dpf_filter *a, const struct dpf_filter *b);

/* Whether each frame that `b` matches is surely one that `a` matches. May say no where it is so. */
bool dpf_refines(const struct dpf_filter *a, const struct dpf_filter *b);
bool dpf_atom_same(const struct dpf_atom *a, const struct dpf_atom *b);
/* Two comparisons over the same base that no frame can satisfy both. May say no where it is so. */
bool dpf_atom_contradicts(const struct dpf_atom *a, const struct dpf_atom *b);
