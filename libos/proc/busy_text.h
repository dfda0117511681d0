/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that are programs: which run, which are being written (ETXTBSY), and where they stand. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "image.h"

struct node;

/* Whether a process runs it, or somebody is loading it. In the monitor. */
bool text_runs(const struct node *node);
/* Whether a process has it open for writing. Outside the monitor. */
bool text_written(const struct node *node);

/* The path of a file as it stands in the tree, links followed. -errno. Outside the monitor. */
int text_path(const char *path, char *buffer, size_t size);
/* What /proc says of an image: its path, and whether another file is there by now. In the monitor, which may be left. */
long text_link(const struct image *image, char *buffer, size_t size);
