/* SPDX-License-Identifier: BSD-2-Clause */
/* What a signal handler is shown of the code that it interrupted. */
#pragma once

#include <stddef.h>
#include <sys/signal.h>
#include <sys/types.h>

/* The program counter, then x1 to x31: the order in which the libOS keeps a thread (aegis/upcall.h). */
typedef unsigned long greg_t;
#define NGREG 32
typedef greg_t gregset_t[NGREG];
typedef struct {
    unsigned long f[32];
    unsigned long fcsr;
} fpregset_t;

#define REG_PC 0
#define REG_RA 1
#define REG_SP 2
#define REG_TP 4
#define REG_S0 8
#define REG_S1 9
#define REG_A0 10
#define REG_S2 18
#define REG_NARGS 8

typedef struct {
    gregset_t __gregs;
    unsigned long __cause; /* of a fault: scause and stval */
    unsigned long __value;
    unsigned long __spare[2];
    fpregset_t __fpregs;
} mcontext_t;

typedef struct __ucontext {
    unsigned long uc_flags; /* 1: the floating-point registers are there */
    struct __ucontext *uc_link;
    stack_t uc_stack;
    sigset_t uc_sigmask;
    mcontext_t uc_mcontext;
} ucontext_t;
