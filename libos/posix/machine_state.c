/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as a whole, read from what the kernel exposes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include <aegis/exposed.h>

#include "process.h"
#include "user.h"

int get_nprocs(void)
{
    return (int)AEGIS_EXPOSED_STATE->harts;
}

int get_nprocs_conf(void)
{
    return get_nprocs();
}

int sysinfo(struct sysinfo *to)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;

    struct sysinfo own = {
        .uptime = (long)(clock_ticks() / e->time_hz),
        .totalram = e->page_count,
        .freeram = e->free_pages,
        .mem_unit = AEGIS_PAGE_SIZE,
    };

    if (!user_copy_out(to, &own, sizeof own))
        return 0;
    errno = EFAULT;
    return -1;
}

/* Nothing keeps averages of the load. */
int getloadavg(double averages[], int count)
{
    (void)averages, (void)count;
    return -1;
}
