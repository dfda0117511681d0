// SPDX-License-Identifier: BSD-2-Clause
// C++'s operators for memory, by the C library: there is no library of C++'s own. Without exceptions, no memory is the end.
#include <stdlib.h>

void *operator new(size_t size)
{
    void *p = malloc(size ? size : 1);
    return p ? p : (abort(), p);
}

void *operator new[](size_t size)
{
    return operator new(size);
}

void operator delete(void *p) noexcept
{
    free(p);
}

void operator delete(void *p, size_t) noexcept
{
    free(p);
}

void operator delete[](void *p) noexcept
{
    free(p);
}

void operator delete[](void *p, size_t) noexcept
{
    free(p);
}
