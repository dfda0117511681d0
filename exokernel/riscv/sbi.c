/* SPDX-License-Identifier: BSD-2-Clause */
#include "sbi.h"

#define SBI_BASE 0x10
#define SBI_HSM 0x48534d
#define SBI_SRST 0x53525354
#define SBI_LEGACY_PUTCHAR 1
#define SBI_LEGACY_SHUTDOWN 8

bool sbi_has(unsigned long extension)
{
    struct sbi_result r = sbi_call(SBI_BASE, 3, extension, 0, 0);
    return !r.error && r.value;
}

bool sbi_hart_start(uint64_t hartid, uint64_t physical, uint64_t opaque)
{
    return !sbi_call(SBI_HSM, 0, hartid, physical, opaque).error;
}

void sbi_putchar(char c)
{
    sbi_call(SBI_LEGACY_PUTCHAR, 0, (unsigned char)c, 0, 0);
}

void sbi_reset(bool reboot)
{
    sbi_call(SBI_SRST, 0, reboot, 0, 0);
    sbi_call(SBI_SRST, 0, !reboot, 0, 0);
    sbi_call(SBI_LEGACY_SHUTDOWN, 0, 0, 0, 0);
}
