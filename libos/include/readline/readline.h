// SPDX-License-Identifier: BSD-2-Clause
//
// A line editor with the calls of GNU readline that small programs use.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// The line that the user typed, without its newline, to be freed by the caller; NULL at the end of
// input or when there is no memory.
char *readline(const char *prompt);

extern const char *rl_readline_name;

#ifdef __cplusplus
}
#endif
