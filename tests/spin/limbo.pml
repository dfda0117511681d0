/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limbo (core/limbo.c): what one hart takes out of use is freed only when the other has let go. The other may run with
 * the translation cached, follow a reference inside the kernel, or park in machine_idle.
 *
 * Broken on purpose, to be found wrong: STAMP_FIRST draws the stamp before the change is made; EARLY frees at once;
 * IDLE_FOLLOWS lets an idle hart count as parked while it still walks; NO_FLUSH enters user mode without flushing.
 */
bool mapped = true, cached, freed, parked, ipi;
byte epoch, ack;

inline acknowledge()
{
    byte seen = epoch; /* the epoch first: what is newer is not covered by this flush */
    cached = false;
    ack = seen
}

proctype other()
{
    bool reference;
    byte turns;

    do
    :: turns < 3 -> turns++;
        if
        :: atomic { mapped -> cached = true }       /* user mode: the hardware walks, and keeps it */
        :: cached -> assert(!freed)                 /* a use of what it kept */
        :: atomic { ipi -> ipi = false }; acknowledge()
        :: reference = mapped;                      /* a kernel path, interrupts off */
            if
            :: reference -> assert(!freed)
            :: else
            fi;
            reference = false
        :: true ->                                  /* idle */
#ifdef IDLE_FOLLOWS
            parked = true;
            reference = mapped;
            if
            :: reference -> assert(!freed)
            :: else
            fi;
#else
            reference = mapped;
            if
            :: reference -> assert(!freed)
            :: else
            fi;
            reference = false;
            parked = true;
#endif
            parked = false;
            reference = false;
#ifndef NO_FLUSH
            acknowledge()
#endif
        fi
    :: ipi && turns < 6 -> ipi = false; acknowledge(); turns++
    :: turns >= 3 && !ipi -> parked = true; break   /* asleep for good: it is parked */
    od
}

proctype initiator()
{
    byte stamp;

#ifdef STAMP_FIRST
    epoch++;
    stamp = epoch;
    if :: !parked -> ipi = true :: parked fi;
    mapped = false;
#else
    mapped = false;
    epoch++;
    stamp = epoch;
    if :: !parked -> ipi = true :: parked fi;
#endif
#ifndef EARLY
    do
    :: parked || ack >= stamp -> break
    :: !parked && ack < stamp -> ipi = true         /* asked again: it may have been parked before */
    od;
#endif
    freed = true
}

init {
    atomic { run other(); run initiator() }
}
