// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

void using_history(void);
void add_history(const char *line);  // the newest HISTORY_LINES are kept; empty lines and repetitions are not
void clear_history(void);

#ifdef __cplusplus
}
#endif
