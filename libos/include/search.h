/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables: hashed, as trees, linear, and linked lists. */
#pragma once

#include <sys/types.h>

typedef struct entry {
    char *key;
    void *data;
} ENTRY;

typedef enum { FIND, ENTER } ACTION;
typedef enum { preorder, postorder, endorder, leaf } VISIT;

struct hsearch_data {
    struct internal_head *htable;
    size_t htablesize;
};

#ifdef __cplusplus
extern "C" {
#endif
int hcreate(size_t);
void hdestroy(void);
ENTRY *hsearch(ENTRY, ACTION);
int hcreate_r(size_t, struct hsearch_data *);
void hdestroy_r(struct hsearch_data *);
int hsearch_r(ENTRY, ACTION, ENTRY **, struct hsearch_data *);
void *tdelete(const void *__restrict, void **__restrict, int (*)(const void *, const void *));
void tdestroy(void *, void (*)(void *));
void *tfind(const void *, void *const *, int (*)(const void *, const void *));
void *tsearch(const void *, void **, int (*)(const void *, const void *));
void twalk(const void *, void (*)(const void *, VISIT, int));
void *lfind(const void *, const void *, size_t *, size_t, int (*)(const void *, const void *));
void *lsearch(const void *, void *, size_t *, size_t, int (*)(const void *, const void *));
void insque(void *, void *);
void remque(void *);
#ifdef __cplusplus
}
#endif
