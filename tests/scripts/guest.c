// SPDX-License-Identifier: BSD-2-Clause
//
// The other end of the serial line: a guest of a few lines that speaks the framing, so that the
// scripts are tested without the kernel. What it does is the value of toy= on the command line,
// which it finds by looking through the devicetree's bytes.

typedef unsigned char u8;

static volatile u8 *const uart = (volatile u8 *)0x10000000;

static void put(u8 c)
{
    while (!(uart[5] & 0x20)) {
    }
    uart[0] = c;
}

static void text(const char *s)
{
    while (*s) {
        put(*s++);
    }
}

static void channel(char c)
{
    put(0x10);
    put(c);
}

static int get(void)
{
    while (!(uart[5] & 1)) {
    }
    return uart[0];
}

static void control(const char *s)
{
    channel('3');
    text(s);
    channel('0');
}

static void end(void)
{
    register long a0 asm("a0") = 1;  // cold reboot
    register long a1 asm("a1") = 0;
    register long a6 asm("a6") = 0;
    register long a7 asm("a7") = 0x53525354;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
    for (;;) {
    }
}

// Input to output until its end; 'd' gives the state.
static void echo(int loud)
{
    channel('1');
    for (;;) {
        int c = get();
        if (c == 0x10) {
            c = get();
            if (c == 'e') {
                control("exit 7\n");
                end();
            } else if (c == 'd') {
                channel('0');
                text("hart 0 idles\n");
                channel('1');
                continue;
            } else if (c == 'w') {
                channel('2');
                do {
                    c = get();
                    put(c);
                } while (c != '\n');
                channel('1');
                continue;
            }
        }
        if (loud) {
            if (c == 0x10) {
                put(0x10);
            }
            put(c);
        }
    }
}

static void files(void)
{
    channel('3');
    text("get 100644 5 /a/b\n");
    put('x');
    put(0x10);
    put(0x10);
    channel('2');
    text("between");
    channel('3');
    text("\nyz");
    text("nofile /c\nexit 0\n");
    end();
}

static void flood(void)
{
    channel('1');
    for (int i = 0; i < 2000000; i++) {
        put('a' + i % 26);
    }
    control("exit 3\n");
    end();
}

static int is(const char *at, const char *word)
{
    while (*word) {
        if (*at++ != *word++) {
            return 0;
        }
    }
    return 1;
}

// A line every 0.3 seconds, eight times.
static void ticks(void)
{
    for (unsigned long i = 0, begin, now; i < 8; i++) {
        asm volatile("rdtime %0" : "=r"(begin));
        do {
            asm volatile("rdtime %0" : "=r"(now));
        } while (now - begin < 3000000);
        text("tick\n");
    }
    control("exit 0\n");
}

void main(const char *fdt)
{
    const char *at = fdt;
    // FIFOs on and empty; at trigger level 14 QEMU hands over 14 bytes at once, else one.
    uart[2] = 0xc7;
    while (!is(at, "toy=")) {
        at++;
    }
    at += 4;
    text("booted\n");
    control("ready\n");
    if (is(at, "echo")) {
        echo(1);
    } else if (is(at, "swallow")) {
        echo(0);
    } else if (is(at, "files")) {
        files();
    } else if (is(at, "flood")) {
        flood();
    } else if (is(at, "panic")) {
        text("PANIC: on purpose\n");
        control("panic\n");
    } else if (is(at, "segv")) {
        control("signal 11\n");
    } else if (is(at, "notfound")) {
        control("notfound\n");
    } else if (is(at, "notexec")) {
        control("notexec\n");
    } else if (is(at, "die")) {
        text("last words\n");
    } else if (is(at, "ticks")) {
        ticks();
    } else if (is(at, "hang")) {
        for (;;) {
        }
    }
    end();
}

asm(".pushsection .text.start,\"ax\"\n"
    ".globl _start\n"
    "_start: la sp, stack_end\n"
    "bnez a0, 1f\n"  // one hart is enough
    "mv a0, a1\n"
    "call main\n"
    "1: wfi\n"
    "j 1b\n"
    ".popsection\n"
    ".pushsection .bss\n.align 4\n.skip 4096\nstack_end:\n.popsection\n");
