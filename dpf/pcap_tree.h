/* SPDX-License-Identifier: BSD-2-Clause */
/* Between pcap.c (text -> tree) and pcap_lower.c (tree -> filters). */
#pragma once

#include "pcap.h"

#define TREE_NODES 1024

/* A comparison of a field with a range of numbers. */
struct field {
    uint8_t width; /* 1, 2, 4 */
    uint8_t base;  /* 0: the frame; 1: behind IPv4's header, which begins at `header` */
    uint16_t offset;
    uint16_t header;
    uint32_t mask, low, high;
};

enum node_kind { NODE_FIELD, NODE_AND, NODE_OR, NODE_NOT, NODE_TRUE, NODE_FALSE };

struct node {
    uint8_t kind;
    struct field field;
    struct node *left, *right;
};

struct tree {
    struct node node[TREE_NODES];
    unsigned count;
    const char *error;
};

struct node *tree_node(struct tree *t, enum node_kind kind, struct node *left, struct node *right);
struct node *tree_field(struct tree *t, unsigned base, unsigned header, unsigned offset, unsigned width, uint32_t mask,
                        uint32_t low, uint32_t high);

/* 0, or why not. */
const char *tree_lower(struct tree *t, struct node *root, struct pcap_filters *out);
