/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: one serial line. Plain, it is what it is. Framed (console=framed), it carries four
 * channels to the host and three commands from it; every framing byte is written out in
 * dev/console.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum console_channel { CONSOLE_LOG, CONSOLE_OUTPUT, CONSOLE_ERROR, CONSOLE_CONTROL };

struct fdt_uart;

void console_start(const struct fdt_uart *uart, bool framed);
/*
 * Lets input in; `line` is the UART's at the interrupt controller, which dev_interrupt serves for
 * it.
 */
void console_open(uint32_t line);
/*
 * One whole line of the kernel's, without its newline. Never fails; what a blocked line does not
 * take is lost.
 */
void console_log(const char *text);
/* A panic's: takes no lock. */
void console_panic(void);
/* A record for the host, such as "panic". */
void console_control(const char *record);
/* Waits until everything is sent. */
void console_drain(void);

/* The UART's line, and its interrupt. */
extern int32_t console_line;
void console_interrupt(void);

/* Bit h: hart h is to log where it is (console_dump_hart) at its next software interrupt. */
extern uint32_t console_dump_wanted;
void console_dump_hart(uint64_t pc);
