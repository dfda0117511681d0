/* SPDX-License-Identifier: BSD-2-Clause */
/* What the words of pcap-filter mean on Ethernet, as trees of comparisons. */
#pragma once

#include "pcap_tree.h"

enum direction { DIRECTION_ANY, DIRECTION_SRC, DIRECTION_DST, DIRECTION_EITHER, DIRECTION_BOTH, DIRECTION_HALF_OR, DIRECTION_HALF_AND };

struct qualifiers {
    char protocol[16], type[16];
    unsigned direction;
};

struct words {
    struct tree *tree;
    unsigned link; /* bytes that VLAN tags have moved everything behind the addresses */
    const char *error;
};

/* Where PROTO[OFFSET:SIZE] lies, and when it is there. */
struct place {
    uint8_t width, base;
    uint16_t offset, header;
    uint32_t full;
    struct node *exists;
};

/* A name that stands for a number: tcp-syn, tcpflags, icmp-echo, ... */
bool words_constant(const char *word, uint32_t *value);
bool words_protocol(const char *word);
bool words_type(const char *word);
bool words_place(struct words *w, const char *protocol, uint32_t offset, uint32_t size, struct place *place);
struct node *words_field(struct words *w, struct place place, uint32_t mask, uint32_t low, uint32_t high);
struct node *words_and(struct words *w, struct node *a, struct node *b);
struct node *words_vlan(struct words *w, bool numbered, uint32_t id);
struct node *words_alone(struct words *w, const char *protocol);
struct node *words_named(struct words *w, const struct qualifiers *q, const char *id, const char *mask);
