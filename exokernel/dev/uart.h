/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's serial line: ns16550 or sifive,uart0. Transmission is polled, reception by
 * interrupt.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fdt_uart;

void uart_start(const struct fdt_uart *uart);
/*
 * Sends a byte; false: the line does not take it, and *polls, which counts down, is used up. Before
 * uart_start it goes by way of the firmware.
 */
bool uart_put(uint8_t byte, unsigned *polls);
/* A received byte, or -1. */
int uart_get(void);
/* Interrupt when something is received, or not: what is not read stays with the sender. */
void uart_receive(bool on);
/* Waits, bounded, until all is sent. */
void uart_drain(void);
