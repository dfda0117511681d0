/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files as pages, for mappings. A regular file's contents are pages of session memory, or (until
 * they are written) of the boot archive; both lie at the same address in every process.
 *
 *     file_node(fd, &node)            what fd's file is, or why it cannot be mapped
 *     node_map(node)                  held for this process, until node_unmap or its end
 *     node_page(node, i, make, &p)    page i of it
 *
 * While a node is mapped, its pages stay where they are, also those that truncate cuts off. Bytes
 * behind the file's end in its last page are cleared by node_page.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node;
struct process;

/* The node behind a descriptor if it is a regular file; `flags` are the file's (O_*). -EBADF,
 * -ENODEV (no pages), -EACCES (not open for reading). Outside the monitor. */
int file_node(int descriptor, struct node **node, unsigned *flags);

/* Its times: it is mapped, or was written through a mapping. Anywhere. */
void node_touched(struct node *node, bool written);

/* Its size in bytes, now. Anywhere. */
uint64_t node_size(const struct node *node);

/* A mapping of it by the calling process begins or ends. Outside the monitor. -ENOMEM. A child of
 * fork has its parent's; exec and the process's end give them up. */
int node_map(struct node *node);
void node_unmap(struct node *node);

/*
 * Page `index`: its address, aligned to a page, the same in all processes. With `make` false it may
 * be null (a hole: zeros) or lie in the archive, which may only be read; with `make` it is a page
 * in session memory, made or copied if there was none. -ENXIO: behind the end; -ENOMEM. Outside the
 * monitor, in a thread.
 */
int node_page(struct node *node, size_t index, bool make, void **page);
