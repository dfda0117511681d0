/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: exokernel/riscv/cpio.c */
#include "../../exokernel/riscv/cpio.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cpio_member m;
    size_t offset = 0, before = 0;
    while (cpio_next(data, size, &offset, &m) == CPIO_MEMBER) {
        if (offset <= before || (m.size && (m.data < data || m.data + m.size > data + size)))
            __builtin_trap();
        if (strlen(m.name) >= size || strstr(m.name, "/../"))
            __builtin_trap();
        before = offset;
    }
    cpio_find(data, size, "init", &m);
    return 0;
}
