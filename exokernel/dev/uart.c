/* SPDX-License-Identifier: BSD-2-Clause */
#include "uart.h"

#include "fdt.h"
#include "../riscv/machine.h"

/* ns16550: register numbers and bits */
#define NS_DATA 0
#define NS_IER 1
#define NS_FCR 2
#define NS_LCR 3
#define NS_MCR 4
#define NS_LSR 5
#define NS_IER_RECEIVED 1
#define NS_FCR_ENABLE_CLEAR 0xc7
#define NS_LCR_8N1 3
#define NS_MCR_OUT2 8 /* on a PC it lets the interrupt out; DTR and RTS too */
#define NS_LSR_READY 1
#define NS_LSR_ROOM 0x20
#define NS_LSR_IDLE 0x40

/* sifive,uart0: words */
#define SI_TXDATA 0
#define SI_RXDATA 1
#define SI_TXCTRL 2
#define SI_RXCTRL 3
#define SI_IE 4
#define SI_FLAG 0x80000000U /* full, or empty */
#define SI_IE_RECEIVED 2

/* Polls until the last byte has left. */
#define DRAIN 1000000

static struct {
    uint32_t kind, shift;
    volatile uint8_t *base;
} uart;

static volatile uint8_t *ns(unsigned reg)
{
    return uart.base + (reg << uart.shift);
}

static volatile uint32_t *si(unsigned reg)
{
    return (volatile uint32_t *)uart.base + reg;
}

void uart_start(const struct fdt_uart *u)
{
    uart.kind = u->kind;
    uart.shift = u->shift;
    uart.base = map_device(u->reg.base);
    if (u->kind == FDT_UART_NS16550) {
        /* The firmware has set the speed. */
        *ns(NS_IER) = 0;
        *ns(NS_LCR) = NS_LCR_8N1;
        *ns(NS_FCR) = NS_FCR_ENABLE_CLEAR;
        *ns(NS_MCR) = NS_MCR_OUT2 | 3;
    } else if (u->kind == FDT_UART_SIFIVE) {
        *si(SI_IE) = 0;
        *si(SI_TXCTRL) = 1;
        *si(SI_RXCTRL) = 1; /* enabled, interrupt from the first byte on */
    }
}

static bool room(void)
{
    return uart.kind == FDT_UART_NS16550 ? *ns(NS_LSR) & NS_LSR_ROOM : !(*si(SI_TXDATA) & SI_FLAG);
}

bool uart_put(uint8_t byte, unsigned *polls)
{
    if (uart.kind == FDT_UART_NONE) {
        sbi_call(SBI_LEGACY_PUTCHAR, 0, byte, 0, 0);
        return true;
    }
    while (!room()) {
        if (!*polls)
            return false;
        --*polls;
        machine_relax();
    }
    if (uart.kind == FDT_UART_NS16550)
        *ns(NS_DATA) = byte;
    else
        *si(SI_TXDATA) = byte;
    return true;
}

int uart_get(void)
{
    if (uart.kind == FDT_UART_NS16550)
        return *ns(NS_LSR) & NS_LSR_READY ? *ns(NS_DATA) : -1;
    if (uart.kind == FDT_UART_SIFIVE) {
        uint32_t data = *si(SI_RXDATA);
        return data & SI_FLAG ? -1 : (int)(data & 0xff);
    }
    return -1;
}

void uart_receive(bool on)
{
    if (uart.kind == FDT_UART_NS16550)
        *ns(NS_IER) = on ? NS_IER_RECEIVED : 0;
    else if (uart.kind == FDT_UART_SIFIVE)
        *si(SI_IE) = on ? SI_IE_RECEIVED : 0;
}

void uart_drain(void)
{
    unsigned polls = DRAIN;

    /* No flag of an emulated one says that it holds nothing: one that was full and is not has passed on what came before. */
    for (; uart.kind == FDT_UART_SIFIVE && polls && room(); polls--)
        *si(SI_TXDATA) = 0;
    while (uart.kind != FDT_UART_NONE && polls-- && !(uart.kind == FDT_UART_NS16550 ? *ns(NS_LSR) & NS_LSR_IDLE : room()))
        ;
}
