/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleep and ring (core/wait.c, core/slice.c): no wake-up is lost. Stores wait in a buffer of their hart until it is
 * drained, which a fence forces: so the orders stated in the code are what is checked, not those of one machine.
 *
 *     sleeper  sleeping = 1, fence, look; idle = 1, fence, look; wait for an interrupt
 *     writer   word = 1, fence, sleeping? then ring: idle? then interrupt
 *
 * Broken on purpose: NO_FENCE_WRITER, NO_FENCE_SLEEPER leave a fence out; LOOK_FIRST looks before it says that it sleeps;
 * IDLE_LATE does not look again once it has said that it idles.
 */
bool word, sleeping, idle, interrupt, woken;
bool word_buffered, sleeping_buffered, idle_buffered;

active proctype buffers()
{
    do
    :: word_buffered -> word = true; word_buffered = false
    :: sleeping_buffered -> sleeping = true; sleeping_buffered = false
    :: idle_buffered -> idle = true; idle_buffered = false
    :: timeout -> break
    od
}

active proctype sleeper()
{
#ifdef LOOK_FIRST
    if :: word -> goto awake :: else fi;
    sleeping_buffered = true;
    !sleeping_buffered;
#else
    sleeping_buffered = true;
#ifndef NO_FENCE_SLEEPER
    !sleeping_buffered;
#endif
    if :: word -> goto awake :: else fi;
#endif
    idle_buffered = true;
    !idle_buffered;
#ifndef IDLE_LATE
#ifndef LOOK_FIRST
    if :: word -> goto awake :: else fi;
#endif
#endif
    interrupt;          /* wfi */
awake:
    woken = true
}

active proctype writer()
{
    word_buffered = true;
#ifndef NO_FENCE_WRITER
    !word_buffered;
#endif
    if
    :: sleeping ->
        if
        :: idle -> interrupt = true
        :: else
        fi
    :: else
    fi
}
