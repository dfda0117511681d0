/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transfer gate (core/pct.c, core/destroy.c): on one hart A calls B synchronously; another hart releases A's entry
 * claim, kills A and reaps it. B is entered by one caller at a time, and returns to nobody that is freed.
 *
 * Broken on purpose: NO_UNLINK frees without the hart's part; ENTRY_ONLY looks for the callee among A's entries alone;
 * OPEN leaves the gate open while B serves.
 */
#define NONE 0
#define A 1
#define B 2
#define C 3

byte now = NONE, caller_b = NONE, inside;
bool gate = true, entry_a = true, resume_a, resume_c, die, work, freed, dead_a;

inline enter(who, resume)
{
    assert(inside == 0);
    inside++;
#ifndef OPEN
    gate = false;
#endif
    resume = true;
    caller_b = who;
    now = B
}

proctype hart()
{
    byte turns;

    do
    :: turns < 12 -> turns++;
        if
        :: atomic { now == A && gate && entry_a && !resume_a -> enter(A, resume_a) }
        :: atomic { now == C && gate && !resume_c -> enter(C, resume_c) }
        :: atomic { now == B && caller_b == A -> assert(!freed); inside--; caller_b = NONE; gate = true; resume_a = false; now = A }
        :: atomic { now == B && caller_b == C -> inside--; caller_b = NONE; gate = true; resume_c = false; now = C }
        :: atomic { now == B && caller_b == NONE && inside > 0 -> inside--; gate = true; now = NONE } /* its caller is gone */
        :: atomic { now != NONE -> now = NONE }                                          /* the slot ends */
        :: atomic { now == NONE && !die && !resume_a -> now = A }
        :: atomic { now == NONE && !resume_c -> now = C }
        :: atomic { now == NONE && (resume_a || resume_c || caller_b == NONE) && inside > 0 -> now = B }
        :: skip
        fi;
        assert(now != A || !freed)
    :: atomic { work ->                                                                  /* env_unlink_here */
        if
#ifdef ENTRY_ONLY
        :: resume_a && entry_a -> caller_b = NONE
        :: resume_a && !entry_a
#else
        :: resume_a -> caller_b = NONE
#endif
        :: !resume_a
        fi;
        resume_a = false;
        work = false;
        if :: now == A -> now = NONE :: else fi }
    :: turns >= 12 && !work && dead_a -> break
    :: atomic { turns >= 12 && now == A -> now = NONE }
    od
}

proctype reaper()
{
    if
    :: entry_a = false     /* release of the entry claim, from another hart */
    :: skip
    fi;
    die = true;
#ifndef NO_UNLINK
    work = true;
    !work;
#endif
    freed = true;
    dead_a = true
}

init {
    atomic { run hart(); run reaper() }
}
