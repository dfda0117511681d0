/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dash calls in place of el_gets(): it takes a null pointer for the end of input and exits, but libedit returns one as
 * well when a signal came while it waited for a key, as SIGCHLD of a job in the background does.
 */
#include <errno.h>
#include <histedit.h>
#include <stddef.h>

const char *line_gets(EditLine *editor, int *count);

const char *line_gets(EditLine *editor, int *count)
{
    const char *line;

    el_set(editor, EL_SAFEREAD, 1); /* the first one it takes as none, and the line stands as it was */
    do {
        errno = 0;
        line = el_gets(editor, count);
    } while (line == NULL && errno == EINTR);
    return line;
}
