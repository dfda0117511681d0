/* SPDX-License-Identifier: BSD-2-Clause */
/* Users and groups of the process. Outside a session there is root alone, and nothing to change. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <unistd.h>

#include "../session/process.h"
#include "user.h"

#define KEEP ((unsigned)-1)

struct triple {
    unsigned real, effective, saved;
};

uid_t getuid(void)
{
    return process_self ? process_self->uid : 0;
}

uid_t geteuid(void)
{
    return process_self ? process_self->euid : 0;
}

gid_t getgid(void)
{
    return process_self ? process_self->gid : 0;
}

gid_t getegid(void)
{
    return process_self ? process_self->egid : 0;
}

int issetugid(void)
{
    return getuid() != geteuid() || getgid() != getegid();
}

static struct triple users(void)
{
    if (!process_self)
        return (struct triple){0};
    return (struct triple){process_self->uid, process_self->euid, process_self->suid};
}

static struct triple groups(void)
{
    if (!process_self)
        return (struct triple){0};
    return (struct triple){process_self->gid, process_self->egid, process_self->sgid};
}

static int is_one_of(unsigned wanted, const struct triple *t)
{
    return wanted == KEEP || wanted == t->real || wanted == t->effective || wanted == t->saved;
}

/* Root may be anybody; others, what they are already. */
static int change_check(const struct triple *now, const struct triple *wanted)
{
    int free = !geteuid() || (is_one_of(wanted->real, now) && is_one_of(wanted->effective, now) &&
                              is_one_of(wanted->saved, now));
    if (free && process_self)
        return 0;
    errno = EPERM;
    return -1;
}

static unsigned chosen(unsigned wanted, unsigned now)
{
    return wanted == KEEP ? now : wanted;
}

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    struct triple now = users(), wanted = {real, effective, saved};

    if (change_check(&now, &wanted))
        return -1;
    monitor_enter();
    session_set(process_self->uid, chosen(real, now.real));
    session_set(process_self->euid, chosen(effective, now.effective));
    session_set(process_self->suid, chosen(saved, now.saved));
    monitor_leave();
    return 0;
}

int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    struct triple now = groups(), wanted = {real, effective, saved};

    if (change_check(&now, &wanted))
        return -1;
    monitor_enter();
    session_set(process_self->gid, chosen(real, now.real));
    session_set(process_self->egid, chosen(effective, now.effective));
    session_set(process_self->sgid, chosen(saved, now.saved));
    monitor_leave();
    return 0;
}

static int tell(struct triple now, void *real, void *effective, void *saved)
{
    if (!user_copy_out(real, &now.real, sizeof now.real) &&
        !user_copy_out(effective, &now.effective, sizeof now.effective) &&
        !user_copy_out(saved, &now.saved, sizeof now.saved))
        return 0;
    errno = EFAULT;
    return -1;
}

int getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    return tell(users(), real, effective, saved);
}

int getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    return tell(groups(), real, effective, saved);
}

int setuid(uid_t uid)
{
    if (uid == KEEP) {
        errno = EINVAL;
        return -1;
    }
    return geteuid() ? setresuid(KEEP, uid, KEEP) : setresuid(uid, uid, uid);
}

int setgid(gid_t gid)
{
    if (gid == KEEP) {
        errno = EINVAL;
        return -1;
    }
    return geteuid() ? setresgid(KEEP, gid, KEEP) : setresgid(gid, gid, gid);
}

int seteuid(uid_t uid)
{
    return setresuid(KEEP, uid, KEEP);
}

int setegid(gid_t gid)
{
    return setresgid(KEEP, gid, KEEP);
}

/* The saved identity follows the effective one if the real one is set, or the two then differ. */
int setreuid(uid_t real, uid_t effective)
{
    struct triple now = users();
    int follows = real != KEEP || (effective != KEEP && effective != now.real);
    return setresuid(real, effective, follows ? chosen(effective, now.effective) : KEEP);
}

int setregid(gid_t real, gid_t effective)
{
    struct triple now = groups();
    int follows = real != KEEP || (effective != KEEP && effective != now.real);
    return setresgid(real, effective, follows ? chosen(effective, now.effective) : KEEP);
}

int getgroups(int room, gid_t list[])
{
    int count = process_self ? (int)process_self->group_count : 0;

    if (room < 0 || (room && room < count)) {
        errno = EINVAL;
        return -1;
    }
    if (room && count && user_copy_out(list, process_self->groups, (size_t)count * sizeof *list)) {
        errno = EFAULT;
        return -1;
    }
    return count;
}

int setgroups(int count, const gid_t *list)
{
    gid_t copy[PROCESS_GROUPS];

    if (geteuid() || !process_self) {
        errno = EPERM;
        return -1;
    }
    if (count < 0 || count > PROCESS_GROUPS) {
        errno = EINVAL;
        return -1;
    }
    if (user_copy_in(copy, list, (size_t)count * sizeof copy[0])) {
        errno = EFAULT;
        return -1;
    }
    monitor_enter();
    for (int i = 0; i < count; i++)
        session_set(process_self->groups[i], copy[i]);
    session_set(process_self->group_count, (uint32_t)count);
    monitor_leave();
    return 0;
}
