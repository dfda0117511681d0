/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The old interface to what a terminal understands. All that anybody uses today understand the
 * sequences of ECMA-48, so there is one description; a terminal by the name of "dumb" has none.
 */
#pragma once

int tgetent(char *buffer, const char *terminal); /* 1: known, 0: not */
int tgetflag(const char *name);
int tgetnum(const char *name);               /* -1: not said */
char *tgetstr(const char *name, char **area); /* null: it cannot; else appended to *area, if that is given */
char *tgoto(const char *capability, int column, int row);
int tputs(const char *capability, int lines, int (*put)(int));
