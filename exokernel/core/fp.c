/* SPDX-License-Identifier: BSD-2-Clause */
/* The FP unit has one owner per hart; it is off for everybody else, and changes hands by way of the owners' pages. */
#include "kernel.h"

result_t call_fp_take(void)
{
    struct activation *a = machine_self();
    struct hart *h = a->hart;

    if (h->fp == a)
        return OK_VALUE(1);
    machine_fp_on();
    if (h->fp) {
        machine_fp_save(activation_user(h->fp)->fp);
        h->fp->sstatus = machine_sstatus(false);
    }
    machine_fp_load(activation_user(a)->fp);
    a->sstatus = machine_sstatus(true);
    activation_user(a)->fp_live = 1;
    h->fp = a;
    return OK_VALUE(0);
}

result_t call_null(void)
{
    return OK_VALUE(0);
}
