/* SPDX-License-Identifier: BSD-2-Clause */
/* <ucontext.h>: signal mask, floating point, and contexts that begin with a function. */
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include <aegis/upcall.h>

#include "../sched/thread.h"
#include "../upcall/upcall_asm.h"

#define IN_REGISTERS 8

_Static_assert(offsetof(ucontext_t, uc_mcontext.__gregs) == 48, "UC_REGS of context_switch.S");

int context_keep(ucontext_t *uc);
void context_take(const ucontext_t *uc);
void context_end(void);

int context_keep(ucontext_t *uc)
{
    sigprocmask(SIG_SETMASK, NULL, &uc->uc_sigmask);
    uc->uc_flags = aegis_activation_current()->fp_live != 0;
    if (uc->uc_flags)
        fp_save((uint64_t *)&uc->uc_mcontext.__fpregs);
    return 0;
}

void context_take(const ucontext_t *uc)
{
    sigprocmask(SIG_SETMASK, &uc->uc_sigmask, NULL);
    if (uc->uc_flags)
        fp_restore((const uint64_t *)&uc->uc_mcontext.__fpregs);
}

/* Arguments may be pointers, as programs expect where they fit a register. */
void makecontext(ucontext_t *uc, void (*function)(void), int count, ...)
{
    unsigned long *r = uc->uc_mcontext.__gregs;
    unsigned long more = count > IN_REGISTERS ? (unsigned long)count - IN_REGISTERS : 0;
    unsigned long *top = (unsigned long *)(((unsigned long)uc->uc_stack.ss_sp + uc->uc_stack.ss_size) & -16UL);
    va_list arguments;

    top -= (more + 1) & -2UL;
    va_start(arguments, count);
    for (int i = 0; i < count; i++)
        *(i < IN_REGISTERS ? &r[REG_A0 + i] : &top[i - IN_REGISTERS]) = va_arg(arguments, unsigned long);
    va_end(arguments);
    r[REG_PC] = (unsigned long)function;
    r[REG_RA] = (unsigned long)context_end;
    r[REG_SP] = (unsigned long)top;
    r[REG_S0] = 0;
    r[REG_S1] = (unsigned long)uc->uc_link;
}
