/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal, as far as POSIX's termios is not there yet. */
#pragma once

/*
 * Raw mode on (1) or off (0): in raw mode a read gives every byte at once, without echo, editing or
 * signals. Standard input that is no terminal is always so. Returns the mode before, or -1 (ENOTTY)
 * if standard input is no terminal.
 */
int aegis_tty_raw(int on);

/* The window's size in characters, as last reported. 0, or -1 (ENOTTY) if standard input is no
 * terminal. */
int aegis_tty_size(int *rows, int *columns);
