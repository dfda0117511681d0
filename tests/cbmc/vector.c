/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_vector: its items are taken in order, each once, up to the first that is refused or has to wait; the answer says which error that
 * was and how many are done; of an environment that the call names, by a vector in the caller's own memory. A call in which a table
 * was recycled takes no more. (What one item does, map.c proves.)
 *
 * Up to three items; what each step answers, and whether it recycled a table, is anything.
 *
 * unwind 5
 * proof own
 * proof others
 * break own core/map.c: done += !error; => done++;
 * break own core/map.c: while (done < count && => while (done + 1 < count &&
 * break own core/map.c: e->leaf_hand != hand ? AEGIS_E_AGAIN : map_claim => map_claim
 * break own core/map.c: REFUSE_CALL_IF(count > AEGIS_VECTOR, BAD_RANGE); => ;
 * break own core/map.c: TRY_CALL(user_read(env_self(), item, vector, count * sizeof item[0])); => user_read(env_self(), item, vector, count * sizeof item[0]);
 * break own core/map.c: item[done].slot, item[done].va_rights); => item[0].slot, item[done].va_rights);
 * break others core/map.c: user_read(env_self(), item, vector => user_read(e, item, vector
 */
#include <aegis/layout.h>
#undef AEGIS_VECTOR
#define AEGIS_VECTOR 3
#define COUNT  1u
#define CLAIMS 4
#include "scene.h"

/* map_claim ends at its first check, that of the rights, with what a step answers. */
static long step(struct env *by, unsigned long slot, unsigned long va_rights);
#undef REFUSE_IF
#define SECOND(first, second, ...)  second
#define CHOOSE(...)                 SECOND(__VA_ARGS__)
#define TAKE_BAD_RIGHTS             0, return step(e, slot, va_rights)
#define REFUSE_IF(condition, name)  CHOOSE(TAKE_##name, REFUSE_AS(condition, REFUSED(name)), 0)

#include "core/limbo.h"
#include "core/map.c"
#define env_lock_other env_lock_by_claim
#include "core/ledger.c"
#undef env_lock_other
#include "around.h"

#define ITEM(n) (((0x40000UL + (n)) << 12) | AEGIS_R)

static uint64_t root[1], stlb[1];
static struct env *of;              /* whose translations they are */
static long answer[AEGIS_VECTOR];   /* of each step */
static bool recycles[AEGIS_VECTOR]; /* and whether it took a table */
static unsigned steps, reads;
static bool readable;

uint32_t limbo_enter(uint32_t mask)
{
    (void)mask;
    return 0;
}

bool limbo_over(uint32_t mask, uint32_t stamp)
{
    (void)mask, (void)stamp;
    return true;
}

NO_TABLES

long user_read(struct env *whose, void *to, unsigned long va, size_t size)
{
    struct aegis_mapping *item = to;

    (void)va;
    MUST(whose == &env[0], "the caller's memory");
    MUST(size <= AEGIS_VECTOR * sizeof *item, "not more than there is room for");
    reads++;
    for (unsigned i = 0; i < size / sizeof *item; i++) /* as far as it was read, it is there */
        item[i] = (struct aegis_mapping){1 + i, ITEM(i)};
    return readable ? 0 : AEGIS_E_BAD_ADDRESS;
}

/* One item is mapped, or refused; a table recycled on the way shows in the hand. */
static long step(struct env *by, unsigned long slot, unsigned long va_rights)
{
    MUST(readable && by == of && steps < AEGIS_VECTOR && slot == 1 + steps && va_rights == ITEM(steps), "the next item, in the environment that was named");
    by->leaf_hand += recycles[steps];
    return answer[steps++];
}

long env_lock_other(unsigned long slot, unsigned rights, struct env **named)
{
    MUST(slot == 7 && rights == AEGIS_CONTROL, "by a right over it");
    *named = &env[1];
    lock_take(&env[1].lock);
    return 0;
}

static void vector_of(unsigned long name)
{
    unsigned long count = nondet_u64(), wanted = 0, tried = 0;
    long error = 0;

    caller_begin(root, stlb, 1);
    of = &env[name != 0];
    of->leaf_hand = nondet_u32();
    readable = nondet_bool();
    for (unsigned i = 0; i < AEGIS_VECTOR; i++) {
        answer[i] = nondet_bool() ? 0 : nondet_bool() ? AEGIS_E_REVOKED : AEGIS_E_AGAIN;
        recycles[i] = nondet_bool();
    }
    result_t done = call_map_vector(name, nondet_u64(), count);
    MUST(env[0].lock.serving == env[0].lock.next && env[1].lock.serving == env[1].lock.next, "the locks are given back");
    if (count > AEGIS_VECTOR || !readable)
        error = count > AEGIS_VECTOR ? AEGIS_E_BAD_RANGE : AEGIS_E_BAD_ADDRESS;
    for (unsigned i = 0; i < AEGIS_VECTOR && i < count && !error; i++) {
        error = i && recycles[i - 1] ? AEGIS_E_AGAIN : answer[i];
        tried += !(i && recycles[i - 1]);
        wanted += !error;
    }
    MUST(done.error == error, "the first error");
    MUST(done.value == wanted, "so many are done");
    MUST(steps == tried, "and nothing is begun behind them");
    MUST(reads <= 1, "what was read is not read again");
}

void own(void) { vector_of(0); }
void others(void) { vector_of(7); }
