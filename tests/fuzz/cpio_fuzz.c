/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: libos/fs/cpio.c */
#include "../../libos/fs/cpio.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cpio_file m;
    size_t offset = 0, before = 0;
    while (cpio_read(data, size, &offset, &m)) {
        if (offset <= before || (m.size && (m.data < data || m.data + m.size > data + size)))
            __builtin_trap();
        if (strlen(m.name) >= size || strstr(m.name, "/../"))
            __builtin_trap();
        before = offset;
    }
    cpio_lookup(data, size, "init", &m);
    cpio_whole(data, size);
    return 0;
}
