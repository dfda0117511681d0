/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes of threads. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <aegis/exposed.h>

#include "../posix/user.h"
#include "../vm/vm.h"
#include "pthread_internal.h"

#define VALID 0x617474726962UL

int pthread_attr_init(pthread_attr_t *a)
{
    *a = (pthread_attr_t){.__state = PTHREAD_CREATE_JOINABLE,
                          .__scope = PTHREAD_SCOPE_SYSTEM,
                          .__inherit = PTHREAD_INHERIT_SCHED,
                          .__stack_size = 256 << 10,
                          .__guard_size = AEGIS_PAGE_SIZE,
                          .__valid = VALID};
    return 0;
}

int pthread_attr_destroy(pthread_attr_t *a)
{
    if (a->__valid != VALID)
        return EINVAL;
    a->__valid = 0;
    return 0;
}

#define GETTER(name, type, field)                                                                  \
    int pthread_attr_get##name(const pthread_attr_t *restrict a, type *restrict value)             \
    {                                                                                              \
        *value = (type)a->field;                                                                   \
        return 0;                                                                                  \
    }
GETTER(detachstate, int, __state)
GETTER(guardsize, size_t, __guard_size)
GETTER(inheritsched, int, __inherit)
GETTER(schedpolicy, int, __policy)
GETTER(scope, int, __scope)
GETTER(stackaddr, void *, __stack)
GETTER(stacksize, size_t, __stack_size)

int pthread_attr_setdetachstate(pthread_attr_t *a, int state)
{
    if (state != PTHREAD_CREATE_DETACHED && state != PTHREAD_CREATE_JOINABLE)
        return EINVAL;
    a->__state = (unsigned)state;
    return 0;
}

int pthread_attr_setguardsize(pthread_attr_t *a, size_t size)
{
    a->__guard_size = size;
    return 0;
}

int pthread_attr_setinheritsched(pthread_attr_t *a, int inherit)
{
    if (inherit != PTHREAD_INHERIT_SCHED && inherit != PTHREAD_EXPLICIT_SCHED)
        return EINVAL;
    a->__inherit = (unsigned short)inherit;
    return 0;
}

static int policy_known(int policy)
{
    return policy == SCHED_OTHER || policy == SCHED_FIFO || policy == SCHED_RR;
}

static int priority_wrong(int policy, int priority)
{
    return priority < sched_get_priority_min(policy) || priority > sched_get_priority_max(policy);
}

bool scheduling_valid(int policy, int priority)
{
    return policy_known(policy) && !priority_wrong(policy, priority);
}

int pthread_attr_getschedparam(const pthread_attr_t *restrict a, struct sched_param *restrict p)
{
    *p = a->__param;
    return 0;
}

int pthread_attr_setschedparam(pthread_attr_t *restrict a, const struct sched_param *restrict p)
{
    if (p->sched_priority < 0 || p->sched_priority > sched_get_priority_max(SCHED_FIFO))
        return EINVAL;
    a->__param = *p;
    return 0;
}

int pthread_attr_setschedpolicy(pthread_attr_t *a, int policy)
{
    if (!policy_known(policy))
        return EINVAL;
    a->__policy = policy;
    return 0;
}

int pthread_attr_setscope(pthread_attr_t *a, int scope)
{
    if (scope == PTHREAD_SCOPE_PROCESS)
        return ENOTSUP;
    if (scope != PTHREAD_SCOPE_SYSTEM)
        return EINVAL;
    a->__scope = (unsigned short)scope;
    return 0;
}

int pthread_attr_getstack(const pthread_attr_t *restrict a, void **restrict stack,
                          size_t *restrict size)
{
    *stack = a->__stack;
    *size = a->__stack_size;
    return 0;
}

int pthread_attr_setstacksize(pthread_attr_t *a, size_t size)
{
    if (size < PTHREAD_STACK_MIN)
        return EINVAL;
    a->__stack_size = size;
    return 0;
}

int pthread_attr_setstackaddr(pthread_attr_t *a, void *stack)
{
    a->__stack = stack;
    return 0;
}

int pthread_attr_setstack(pthread_attr_t *a, void *stack, size_t size)
{
    if ((uintptr_t)stack % 16 || size % 16)
        return EINVAL;
    int error = pthread_attr_setstacksize(a, size);
    return error ? error : pthread_attr_setstackaddr(a, stack);
}

/* ---- of threads that run ---- */

int pthread_getattr_np(pthread_t id, pthread_attr_t *a)
{
    struct pthread *t = pthread_of(id);

    if (!pthread_known(t))
        return ESRCH;
    pthread_attr_init(a);
    a->__state = t->detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE;
    a->__stack = t->stack ? t->stack : (void *)(VM_STACK_TOP - VM_STACK_SIZE);
    a->__stack_size = t->stack ? t->stack_size : VM_STACK_SIZE;
    a->__guard_size = t->guard_size;
    scheduling_fetch(t);
    a->__policy = t->policy;
    a->__param.sched_priority = t->priority;
    return 0;
}

int pthread_getschedparam(pthread_t id, int *restrict policy, struct sched_param *restrict p)
{
    struct pthread *t = pthread_of(id);

    if (!pthread_known(t))
        return ESRCH;
    scheduling_fetch(t);
    struct sched_param own = {.sched_priority = t->priority};
    if (user_copy_out(policy, &t->policy, sizeof *policy) || user_copy_out(p, &own, sizeof own))
        return EFAULT;
    return 0;
}

int pthread_setschedparam(pthread_t id, int policy, const struct sched_param *p)
{
    struct pthread *t = pthread_of(id);
    struct sched_param own;

    if (!pthread_known(t))
        return ESRCH;
    if (user_copy_in(&own, p, sizeof own))
        return EFAULT;
    if (!scheduling_valid(policy, own.sched_priority))
        return EINVAL;
    return scheduling_give(t, policy, own.sched_priority);
}

int pthread_setschedprio(pthread_t id, int priority)
{
    struct pthread *t = pthread_of(id);

    if (!pthread_known(t))
        return ESRCH;
    scheduling_fetch(t);
    if (priority_wrong(t->policy, priority))
        return EINVAL;
    return scheduling_give(t, t->policy, priority);
}

static int concurrency;

int pthread_getconcurrency(void)
{
    return concurrency;
}

int pthread_setconcurrency(int level)
{
    if (level < 0)
        return EINVAL;
    concurrency = level;
    return 0;
}

int pthread_setname_np(pthread_t id, const char *name)
{
    struct pthread *t = pthread_of(id);

    if (!pthread_known(t))
        return ESRCH;
    char own[sizeof t->name];
    ssize_t length = user_string(own, name, sizeof own);
    if (length < 0)
        return length == -EFAULT ? EFAULT : ERANGE;
    strcpy(t->name, own);
    return 0;
}

int pthread_getname_np(pthread_t id, char *name, size_t size)
{
    const struct pthread *t = pthread_of(id);

    if (!pthread_known(t))
        return ESRCH;
    return -user_string_out(name, size, t->name);
}

int pthread_getaffinity_np(pthread_t id, size_t size, cpu_set_t *set)
{
    const struct pthread *t = pthread_of(id);

    if (!pthread_known(t))
        return ESRCH;
    if (size < sizeof set->__bits[0])
        return EINVAL;
    uint64_t bits = t->thread->affinity & ((1UL << AEGIS_EXPOSED_STATE->harts) - 1);
    return user_zero(set, size) || user_copy_out(set, &bits, sizeof bits) ? EFAULT : 0;
}

int pthread_setaffinity_np(pthread_t id, size_t size, const cpu_set_t *set)
{
    struct pthread *t = pthread_of(id);

    if (!pthread_known(t))
        return ESRCH;
    uint64_t bits;
    if (size < sizeof bits)
        return EINVAL;
    if (user_copy_in(&bits, set, sizeof bits))
        return EFAULT;
    if (!(bits & ((1UL << AEGIS_EXPOSED_STATE->harts) - 1)))
        return EINVAL;
    t->thread->affinity = bits;
    return 0;
}
