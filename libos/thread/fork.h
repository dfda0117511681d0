/* SPDX-License-Identifier: BSD-2-Clause */
/* What fork() does for threads and signals. */
#pragma once

/* pthread_atfork's: before, and after in the parent and in the child. */
void atfork_prepare(void);
void atfork_parent(void);
void atfork_child(void);
/* newlib's locks: what they guard is whole in the child, and nobody holds them there who is not
 * there. */
void locks_fork(void);
void locks_forked_parent(void);
void locks_forked_child(void);
/* In the child, by its only thread, when its memory and process_self are there. */
void threads_forked(void);
void signals_forked(void);
/* Before exec replaces the image: what it passes on. */
void signals_exec(void);
/* At a program's start, when process_self is there. */
void signals_boot(void);
