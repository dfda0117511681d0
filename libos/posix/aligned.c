/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory at multiples that the caller wants. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (alignment % sizeof(void *) || !alignment || alignment & (alignment - 1))
        return EINVAL;
    void *block = memalign(alignment, size ? size : 1);
    if (!block)
        return ENOMEM;
    *memory = block;
    return 0;
}
