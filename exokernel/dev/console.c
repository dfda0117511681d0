/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Framing. To the host: 0x10 '0' .. '3' switches to log, output, error or control, 0x10 0x10 is a
 * literal 0x10. From the host: 0x10 0x10 a literal, 0x10 'e' the end of input, 0x10 'd' dump state,
 * 0x10 'w' ROWS ';' COLUMNS '\n' the window.
 *
 * A host that does not read blocks the line. Then a write answers AGAIN; the rest of a pair of
 * bytes that was already begun is held here and goes out first. A guest that does not read masks
 * reception when the ring is full: the sender keeps its bytes.
 */
#include "console.h"

#include "../core/kernel.h"
#include "../core/ledger.h"
#include "../core/slice.h"
#include "../core/user.h"
#include "../riscv/calls.h"
#include "log.h"
#include "net.h"
#include "plic.h"
#include "uart.h"

#define DLE 0x10
#define RING 4096
#define CHUNK 64
/* Polls of a busy line: a call soon answers AGAIN; a line of the kernel's own waits longer. */
#define POLLS_CALL 200
#define POLLS_LINE 100000
/* Bytes taken from the line in one interrupt. */
#define BURST 64

enum input_state { INPUT_PLAIN, INPUT_ESCAPE, INPUT_WINDOW };

static struct {
    bool framed, ended, masked;
    bool asked;       /* the host knows that input is wanted */
    uint8_t channel;  /* the host's present one */
    uint8_t held;     /* second byte of a pair, or 0: none */
    uint8_t state;    /* enum input_state */
    unsigned polls;   /* of a line that takes nothing: what is left to the present writer */
    uint64_t rows, number; /* of a window report being read */
    uint64_t head, tail;   /* bytes ever put into and taken from the ring */
    uint8_t ring[RING];
} console;

uint32_t console_dump_wanted;
int32_t console_line;

void console_start(const struct fdt_uart *uart, bool framed)
{
    uart_start(uart);
    console.framed = framed;
    console.channel = 0xff;
}

void console_open(uint32_t line)
{
    console_line = (int32_t)line;
    plic_enable(line, true);
    uart_receive(true);
}

/* Output; the lock is held. */

static bool put_held(void)
{
    if (console.held && !uart_put(console.held, &console.polls))
        return false;
    console.held = 0;
    return true;
}

static bool put_pair(uint8_t second)
{
    if (!uart_put(DLE, &console.polls))
        return false;
    console.held = second;
    put_held();
    return true;
}

/* One byte to a channel; false: nothing of it went out. */
static bool put(unsigned channel, uint8_t byte)
{
    if (!put_held())
        return false;
    if (!console.framed)
        return channel == CONSOLE_CONTROL || uart_put(byte, &console.polls);
    if (console.channel != channel) {
        if (!put_pair('0' + channel))
            return false;
        console.channel = channel;
        if (!put_held())
            return false;
    }
    return byte == DLE ? put_pair(DLE) : uart_put(byte, &console.polls);
}

static COLD void put_line(unsigned channel, const char *text)
{
    console.polls = POLLS_LINE;
    while (*text && put(channel, *text))
        text++;
    put(channel, '\n');
}

void console_log(const char *text)
{
    lock_take(&kernel.console_lock);
    put_line(CONSOLE_LOG, text);
    lock_give(&kernel.console_lock);
}

void console_panic(void)
{
    /* Whoever held the lock is not coming back to it. */
    kernel.console_lock.serving = kernel.console_lock.next;
}

void console_control(const char *record)
{
    lock_take(&kernel.console_lock);
    put_line(CONSOLE_CONTROL, record);
    lock_give(&kernel.console_lock);
}

void console_drain(void)
{
    console.polls = POLLS_LINE;
    put_held();
    if (console.framed)
        put(CONSOLE_CONTROL, 0); /* where bytes without a line's end are nothing */
    uart_drain();
}

/* Input; the lock is held. */

static void input_byte(uint8_t byte)
{
    console.ring[console.head++ % RING] = byte;
    exposed.input_count++;
}

static void window_byte(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        console.number = (console.number * 10 + byte - '0') & 0xffff;
    } else if (byte == ';') {
        console.rows = console.number;
        console.number = 0;
    } else {
        exposed.resize = console.rows << 32 | console.number;
        console.state = INPUT_PLAIN;
    }
}

/* What follows a DLE. True: the host wants a dump. */
static bool escape_byte(uint8_t byte)
{
    console.state = INPUT_PLAIN;
    if (byte == DLE) {
        input_byte(DLE);
    } else if (byte == 'e' && !console.ended) {
        console.ended = true;
        exposed.input_count++;
    } else if (byte == 'w') {
        console.rows = console.number = 0;
        console.state = INPUT_WINDOW;
    }
    return byte == 'd';
}

static bool receive_byte(uint8_t byte)
{
    if (console.state == INPUT_WINDOW)
        window_byte(byte);
    else if (console.state == INPUT_ESCAPE)
        return escape_byte(byte);
    else if (console.framed && byte == DLE)
        console.state = INPUT_ESCAPE;
    else
        input_byte(byte);
    return false;
}

static COLD bool receive(void)
{
    bool dump = false;
    int byte;
    for (unsigned i = 0; i < BURST && console.head - console.tail < RING; i++) {
        if ((byte = uart_get()) < 0)
            break;
        dump |= receive_byte(byte);
    }
    if (console.head - console.tail == RING && !console.masked) {
        console.masked = true;
        uart_receive(false);
    }
    return dump;
}

/* What each activation of an environment called last, but for transfers and what entry.S does alone. */
static COLD void dump_calls(unsigned index)
{
    const struct env *e = kernel.env[index];
    if (!e)
        return;
    FOR_ACTIVATIONS(e, h, a)
        log_print("  hart %u: last call %s", h, a->last < CALL_COUNT ? call_names[a->last] : "?");
}

/*
 * The dump: every environment, then each hart says where it is, this one at once and the others
 * when they are interrupted.
 */
static COLD void dump(void)
{
    for (unsigned i = 0; i < AEGIS_ENVS; i++) {
        const struct aegis_env_record *r = &exposed.env[i];
        unsigned sleeping = 0; /* bit h: on hart h */
        for (unsigned h = 0; h < AEGIS_HARTS; h++)
            sleeping |= r->sleeping[h] << h;
        if (r->state != AEGIS_ENV_FREE)
            log_print("environment %u: state %u, controller %u, ledger pages %u, sleeping on harts %x", i,
                      r->state, r->controller, r->pages, sleeping);
        dump_calls(i);
    }
    __atomic_store_n(&console_dump_wanted, kernel.online, __ATOMIC_RELAXED);
    for (unsigned h = 0; h < AEGIS_HARTS; h++) {
        if (kernel.online >> h & 1 && h != machine_hart())
            machine_interrupt(h);
    }
    console_dump_hart(csr_read(sepc));
}

COLD void console_dump_hart(uint64_t pc)
{
    unsigned h = machine_hart();
    const struct activation *a = machine_self();
    __atomic_fetch_and(&console_dump_wanted, ~(1U << h), __ATOMIC_RELAXED);
    if (!a->env)
        log_print("hart %u: idle", h);
    else
        log_print("hart %u: environment %u at pc %lx, slot %lu, phase %lu", h, a->index, pc,
                  (unsigned long)(kernel.hart[h].slot - kernel.hart[h].slots), a->phase);
}

/* Interrupts. */

void console_interrupt(void)
{
    lock_take(&kernel.console_lock);
    bool wanted = receive();
    lock_give(&kernel.console_lock);
    if (wanted)
        dump();
    plic_complete((uint32_t)console_line);
}

/* Calls. */

/* The caller's claim on a thing of `type`, checked for rights; 0 or the error. */
static long use(unsigned long slot, unsigned type, unsigned rights, uint32_t *resource)
{
    struct env *e = machine_self()->env;
    struct aegis_claim *claim;
    lock_take(&e->lock);
    long error = ledger_use(e, slot, type, rights, &claim);
    if (!error && resource)
        *resource = AEGIS_WHAT_RESOURCE(claim->what);
    lock_give(&e->lock);
    return error;
}

COLD result_t call_console_write(unsigned long slot, unsigned long channel, unsigned long va,
                            unsigned long size)
{
    uint8_t bytes[CHUNK];
    unsigned long done = 0;
    long error = use(slot, AEGIS_CONSOLE, AEGIS_W, NULL);
    if (error)
        return (result_t){error, 0};
    if (channel < CONSOLE_OUTPUT || channel > CONSOLE_CONTROL)
        return FAIL(BAD_RANGE);
    if (size > CHUNK)
        size = CHUNK;
    error = user_read(machine_self()->env, bytes, va, size);
    if (error)
        return (result_t){error, 0};
    lock_take(&kernel.console_lock);
    console.polls = POLLS_CALL;
    while (done < size && put(channel, bytes[done]))
        done++;
    lock_give(&kernel.console_lock);
    return done || !size ? OK_VALUE(done) : FAIL(AGAIN);
}

/* They were handed over; makes room for what the sender keeps. False: others took them meanwhile. */
static bool take(uint64_t tail, unsigned long count)
{
    lock_take(&kernel.console_lock);
    bool ours = console.tail == tail;
    if (ours)
        exposed.input_taken = console.tail = tail + count;
    if (console.masked && console.head - console.tail <= RING / 2) {
        console.masked = false;
        uart_receive(true);
    }
    lock_give(&kernel.console_lock);
    return ours;
}

COLD result_t call_console_read(unsigned long slot, unsigned long va, unsigned long size)
{
    uint8_t bytes[CHUNK];
    struct env *e = machine_self()->env;
    long error = use(slot, AEGIS_CONSOLE, AEGIS_R, NULL);
    if (error)
        return (result_t){error, 0};
    if (!size)
        return FAIL(BAD_RANGE);
    if (size > CHUNK)
        size = CHUNK;
    lock_take(&kernel.console_lock);
    uint64_t tail = console.tail;
    unsigned long count = 0;
    for (; count < size && tail + count != console.head; count++)
        bytes[count] = console.ring[(tail + count) % RING];
    bool ended = console.ended;
    if (!count && !ended && !console.asked) {
        console.asked = true;
        put_line(CONSOLE_CONTROL, "input");
    }
    lock_give(&kernel.console_lock);
    /* What cannot be handed over was not read. */
    error = user_write(e, va, bytes, count);
    if (error)
        return (result_t){error, 0};
    return (count || ended) && take(tail, count) ? OK_VALUE(count) : FAIL(AGAIN);
}

COLD result_t call_machine_end(unsigned long slot, unsigned long status)
{
    long error = use(slot, AEGIS_MACHINE, AEGIS_W, NULL);
    if (error)
        return (result_t){error, 0};
    if (!console.framed)
        log_print("machine ended with status %lu", status);
    machine_stop();
}
