/* SPDX-License-Identifier: BSD-2-Clause */
/* Message catalogues: there are none, and catgets gives the program's own text. */
#pragma once

#include <sys/types.h>

#define NL_SETD       1
#define NL_CAT_LOCALE 1

typedef void *nl_catd;
#ifndef _NL_ITEM_DECLARED
typedef int nl_item;
#define _NL_ITEM_DECLARED
#endif

#ifdef __cplusplus
extern "C" {
#endif
nl_catd catopen(const char *, int);
char *catgets(nl_catd, int, int, const char *);
int catclose(nl_catd);
#ifdef __cplusplus
}
#endif
