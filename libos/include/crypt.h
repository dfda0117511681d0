/* SPDX-License-Identifier: BSD-2-Clause */
/* crypt. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif
char *crypt(const char *, const char *);
#ifdef __cplusplus
}
#endif
