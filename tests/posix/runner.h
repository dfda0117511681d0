/* SPDX-License-Identifier: BSD-2-Clause */
/* The tests of one group; tests/posix/run writes the table and links it. */
#pragma once

struct posix_test {
    const char *name;
    int (*main)(int argc, char **argv);
    unsigned seconds; /* until it counts as late */
};

extern const struct posix_test posix_tests[];
extern const unsigned posix_test_count;
