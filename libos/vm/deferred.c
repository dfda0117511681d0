/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults that the thread itself resolves, since that may wait: contents of files. A file's page is a
 * page of session memory, or of the archive.
 *
 *     shared            the page itself: claimed by a capability, and so mapped once more
 *     private, a read   the page itself, copy-on-write
 *     private, a write  a page of our own, and a copy; so it is always if the file's lies in the archive
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/scheduler.h>

#include "../fs/pages.h"
#include "../signal/fault.h"
#include "../signal/signals.h"
#include "../posix/user.h"
#include "../sched/thread.h"
#include "../session/session.h"
#include "../upcall/upcall_asm.h"
#include "vm.h"

#define SCRATCH   0x3d500000UL /* where one page is filled before it has its place */
#define TOO_FAR   PAGER_SIGNAL(SIGBUS, BUS_ADRERR)
#define NOWHERE   PAGER_SIGNAL(SIGSEGV, SEGV_MAPERR)
#define REFUSED   PAGER_SIGNAL(SIGSEGV, SEGV_ACCERR)

#pragma weak node_page

static uint32_t scratch_taken;

/* ---- pages ---- */

/* Who was faster has put a page there: ours goes. */
static int page_place(uintptr_t va, unsigned slot, unsigned rights)
{
    int error = pager_put(va, slot, rights);

    if (error)
        page_put(slot);
    return error && error != EEXIST ? TOO_FAR : 0;
}

static int page_copied(uintptr_t va, const void *from, unsigned rights)
{
    long slot = page_get_whole(0);
    int result = 0;

    if (slot < 0)
        return TOO_FAR;
    while (from && __atomic_exchange_n(&scratch_taken, 1, __ATOMIC_ACQUIRE))
        thread_yield();
    if (from) {
        if (page_map((unsigned)slot, SCRATCH, AEGIS_R | AEGIS_W))
            result = TOO_FAR;
        else
            memcpy((void *)SCRATCH, from, AEGIS_PAGE_SIZE);
        while (!result && aegis_unmap(AEGIS_SLOT_SELF, (unsigned long)slot).error == AEGIS_E_AGAIN)
            ;
        __atomic_store_n(&scratch_taken, 0, __ATOMIC_RELEASE);
    }
    if (!result)
        return page_place(va, (unsigned)slot, rights);
    page_put((unsigned)slot);
    return result;
}

static int page_claimed(uintptr_t va, void *page, unsigned rights)
{
    struct aegis_capability c;
    unsigned slot = slot_find();

    if (!slot || session_capability(page, 1, AEGIS_RWX, &c) || aegis_claim(c.what, c.mac, slot).error)
        return TOO_FAR;
    return page_place(va, slot, rights);
}

static bool in_session(const void *page)
{
    return (uintptr_t)page - SESSION_VA < SESSION_SIZE;
}

static int file_fault(const struct region *r, uintptr_t va, unsigned access, unsigned rights)
{
    size_t index = (r->offset + (va - r->start)) / AEGIS_PAGE_SIZE;
    bool shared = r->flags & REGION_SHARED;
    void *page;

    if (!node_page || node_page(r->object, index, shared, &page))
        return TOO_FAR;
    if (shared)
        return page_claimed(va, page, rights | PAGE_SHARED);
    if (!in_session(page) || access & AEGIS_W)
        return page_copied(va, page, rights);
    return page_claimed(va, page, rights | PAGE_COW);
}

int page_deferred(uintptr_t va, unsigned access)
{
    struct page_entry e = pager_find(va);
    struct region r;

    if (e.kind == PAGE_PRESENT)
        return 0; /* another thread was here */
    if (!pager_region(va, &r))
        return NOWHERE;
    unsigned rights = e.kind == PAGE_LATER ? e.rights & PAGE_RIGHTS : r.rights;
    if (access & ~rights)
        return REFUSED;
    return r.kind == REGION_FILE ? file_fault(&r, va, access, rights) : TOO_FAR;
}

/* ---- the thread, on its own stack ---- */

void pager_deferred(struct context *saved, long argument)
{
    uint64_t fp[33];
    uint64_t live = aegis_activation_current()->fp_live;
    int error = errno;

    if (live)
        fp_save(fp);
    signals_defer(); /* a handler might never come back */
    int result = pager_current->deferred(PAGE_DOWN((uintptr_t)argument),
                                         (unsigned)argument & PAGE_RIGHTS);
    signals_allow();
    errno = error;
    if (live)
        fp_restore(fp);
    if (result && saved->pc - (uint64_t)user_access_begin <
                      (uint64_t)user_access_end - (uint64_t)user_access_begin) {
        saved->pc = (uint64_t)user_access_failed;
        result = 0;
    }
    if (result)
        fault_entry(saved, result);
    context_return(saved);
}
