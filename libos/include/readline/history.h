// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

void using_history(void);
// The newest 200 lines are kept; empty ones and repetitions are not.
void add_history(const char *line);
void clear_history(void);

#ifdef __cplusplus
}
#endif
