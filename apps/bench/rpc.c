/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Procedures in another address space by protected control transfer (SOSP'95 Tables 8 and 12). The
 * message is the registers; the server adds one. `tlrpc` trusts the server to keep the registers
 * that a callee keeps; `lrpc` does not, and keeps them on its own stack, stack pointer included.
 * Beside them a word there and back through shared memory, each yielding to the other.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>
#include <aegis/scheduler.h>
#include <aegis/upcall.h>

#include "figure.h"

#define ENTRY 60 /* the slot of the server's entry, in both */

static volatile struct {
    uint64_t mac;
    uint32_t index;
    volatile uint32_t ready;
    volatile uint64_t word;
} *shared;

/* Entered with the caller's registers; back with one more in a0. It touches no other. */
__attribute__((naked, section(".pinned.text"))) static void serve(void)
{
    __asm__ volatile("addi a0, a0, 1\n"
                     "li a7, 2\n" /* pct_return */
                     "ecall");
}

static inline uint64_t tlrpc(uint64_t x)
{
    register uint64_t a0 __asm__("a0") = x;
    register long a7 __asm__("a7") = -1 - ENTRY;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a7)
                     :
                     : "t0", "t1", "t2", "memory");
    return a0;
}

/*
 * All that a callee keeps is kept here. The stack pointer comes back as the server left it, so
 * upcalls are masked until it is ours again; what was held meanwhile comes then.
 */
uint64_t lrpc(uint64_t x);
__asm__(".pushsection .pinned.text, \"ax\"\n"
        ".option push\n.option norelax\n"
        "lrpc:\n"
        "addi sp, sp, -112\n"
        "sd ra, 0(sp)\n sd tp, 8(sp)\n sd s0, 16(sp)\n sd s1, 24(sp)\n sd s2, 32(sp)\n"
        "sd s3, 40(sp)\n sd s4, 48(sp)\n sd s5, 56(sp)\n sd s6, 64(sp)\n sd s7, 72(sp)\n"
        "sd s8, 80(sp)\n sd s9, 88(sp)\n sd s10, 96(sp)\n sd s11, 104(sp)\n"
        "ld t0, -8(tp)\n"
        "ld gp, 272(t0)\n" /* C_GP */
        "sd sp, 0x28(gp)\n" /* U_MASKED */
        "li a7, -61\n"
        "ecall\n"
        "ld sp, 0x28(gp)\n"
        "sd zero, 0x28(gp)\n"
        "ld t1, 0x88(gp)\n" /* U_HELD */
        "ld ra, 0(sp)\n ld tp, 8(sp)\n ld s0, 16(sp)\n ld s1, 24(sp)\n ld s2, 32(sp)\n"
        "ld s3, 40(sp)\n ld s4, 48(sp)\n ld s5, 56(sp)\n ld s6, 64(sp)\n ld s7, 72(sp)\n"
        "ld s8, 80(sp)\n ld s9, 88(sp)\n ld s10, 96(sp)\n ld s11, 104(sp)\n"
        "addi sp, sp, 112\n"
        "bnez t1, 1f\n"
        "ret\n"
        "1: addi sp, sp, -16\n sd ra, 0(sp)\n sd a0, 8(sp)\n"
        "call thread_yield\n" /* takes what was held */
        "ld ra, 0(sp)\n ld a0, 8(sp)\n addi sp, sp, 16\n"
        "ret\n"
        ".option pop\n"
        ".popsection");

static int server(void)
{
    aegis_alloc(AEGIS_SLOT_SELF, 0, ENTRY);
    shared->mac = aegis_capability_make(ENTRY, AEGIS_CALL, 0, 0).value;
    shared->index = AEGIS_WHAT_RESOURCE(slot_claim(ENTRY)->what);
    aegis_entry_set(serve, NULL);
    __atomic_store_n(&shared->ready, 1, __ATOMIC_SEQ_CST);
    while (shared->ready < 3) {
        if (shared->ready == 2 && shared->word & 1)
            shared->word++;
        thread_yield();
    }
    _exit(0);
}

static void there_and_back(void)
{
    shared->word++;
    while (shared->word & 1)
        thread_yield();
}

int main(void)
{
    unsigned long n;
    volatile uint64_t got = 0;

    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();
    if (pid == 0)
        return server();
    while (!shared->ready)
        thread_yield();
    if (aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, shared->index), shared->mac, ENTRY).error)
        return 1;
    for (uint64_t i = 1; i < 100; i++)
        if (lrpc(i) != i + 1 || tlrpc(i) != i + 1)
            return 2;
    n = FIGURE_MEAN(4, 16, got = lrpc(got));
    figure_report("lrpc", n);
    n = FIGURE_MEAN(4, 16, got = tlrpc(got));
    figure_report("tlrpc", n);
    shared->ready = 2;
    n = FIGURE_MEAN(8, 16, there_and_back());
    figure_report("shm_pingpong", n);
    shared->ready = 3;
    waitpid(pid, NULL, 0);
    return got != 40;
}
