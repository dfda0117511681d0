#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: refused.sh FOLDER: what cannot be made safe is said, with file and line.
out=$1
refused() { # name, line, what is said; the code on standard input
    { echo '#include <aegis/ash.h>'; cat; } > "$out/refused.c"
    if scripts/ash-cc -o "$out/refused.ash" "$out/refused.c" > "$out/refused.said" 2>&1; then
        echo "not ok $1: taken"
    elif grep -q "refused.c:$2:.*$3" "$out/refused.said"; then
        echo "ok ash-cc explains: $1"
    else
        sed 's/^/# /' "$out/refused.said"
        echo "not ok ash-cc explains: $1"
    fi
}
refused "recursion" 2 "call" <<'C'
static unsigned long f(unsigned long n) { return n < 2 ? n : f(n - 1) + f(n - 2); }
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { (void)frame; return (long)f(length); }
C
refused "a call through a pointer" 3 "through a pointer" <<'C'
ASH_SHARED long (*f)(void);
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { (void)frame; (void)length; return f(); }
C
refused "the frame's address in memory" 4 "address is stored" <<'C'
ASH_SHARED unsigned char *kept;
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { (void)length;
    kept = frame; return 0; }
C
refused "a pointer in initialised data" 3 "pointer in initialised data, to value" <<'C'
static int value = 5;
ASH_SHARED int *volatile where = &value;
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { (void)frame; (void)length; return *where; }
C
refused "a table of functions" 4 "pointer in initialised data, to one" <<'C'
static long one(unsigned char *f) { return f[0]; }
static long two(unsigned char *f) { return f[1]; }
static long (*const table[])(unsigned char *) = {one, two};
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { return table[length & 1](frame); }
C
refused "floating point" 3 "floating point, which handlers do not have" <<'C'
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { (void)length;
    return (long)(frame[0] * 1.5); }
C
refused "a library's function" 3 "a call of puts, which is nowhere" <<'C'
int puts(const char *);
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { (void)length; return puts((char *)frame); }
C
refused "a stack that is larger than the window's" 4 "frame size of 100016 bytes is larger than 1000" <<'C'
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { volatile char a[100000];
    for (unsigned i = 0; i < sizeof a; i++) a[i] = frame[i % 60];
    return a[length]; }
C
refused "lr and sc" 4 "instruction that handlers may not have" <<'C'
ASH_SHARED unsigned long word;
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { unsigned long old = length; (void)frame;
    return __atomic_compare_exchange_n(&word, &old, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); }
C
refused "ecall" 2 "instruction that handlers may not have" <<'C'
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { (void)frame; (void)length; asm volatile("ecall"); return 0; }
C
refused "reading a CSR" 2 "instruction that handlers may not have" <<'C'
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { (void)frame; (void)length; long t;
    asm volatile(".4byte 0xc0102573" : "=r"(t)); return t; }
C
refused "a reserved register written" 2 "reserved register is written" <<'C'
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { (void)frame; (void)length; asm volatile("li s10, 0"); return 0; }
C
refused "a register never set" 3 "never set" <<'C'
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { (void)frame; (void)length; long t;
    asm volatile("mv %0, t3" : "=r"(t)); return t; }
C
refused "a frame's address or a window's" 4 "may be one of the frame or one of the window" <<'C'
ASH_SHARED unsigned char table[64];
ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { unsigned char *p = length & 1 ? frame : table;
    return p[frame[0]]; }
C
echo 'long handle(void) { return 0; }' > "$out/refused.c"
scripts/ash-cc -o "$out/refused.ash" "$out/refused.c" 2>&1 | grep -q "there is no function .handler" && echo "ok ash-cc explains: no handler" || echo "not ok ash-cc explains: no handler"
