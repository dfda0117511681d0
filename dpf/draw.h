/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures of what is installed, for people. User level. */
#pragma once

#include <stdio.h>

#include "trie.h"

/* The trie as a Graphviz digraph; `name` says what a filter is called. */
void dpf_draw(const struct dpf *d, FILE *out, const char *(*name)(uint32_t number));
/* Each fragment of generated code, disassembled, with what it is for. */
void dpf_list(const struct dpf *d, FILE *out);
