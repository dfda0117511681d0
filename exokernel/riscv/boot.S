/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry from the firmware: S-mode, MMU off, at the physical load address; a0 = hardware hart
 * number, a1 = devicetree (boot hart) or our hart number (started by HSM). Both turn translation on
 * by letting the next fetch fault into stvec's virtual address, so that no identity mapping ever
 * exists.
 */
#include "addresses.h"

    .section .text.boot, "ax"
    .globl _start
_start:
    # 1. No interrupts, and none pending that the firmware left.
    csrw sie, zero
    csrw sip, zero
    mv s0, a0
    mv s1, a1
    # 2. Clear .bss and .exposed: nothing is taken for granted of the loader.
    lla t0, bss_start
    lla t1, bss_end
1:  sd zero, 0(t0)
    addi t0, t0, 8
    bltu t0, t1, 1b
    # 3. Hart 0's stack, by its physical address; build the tables.
    lla sp, stacks_start
    li t0, STACK_STRIDE
    add sp, sp, t0
    mv a0, s1
    call boot_tables
    lla t0, machine_kernel_satp
    sd a0, 0(t0)
    li s2, 0
    lla t1, boot_main
    j enable

    .globl _secondary
_secondary:
    csrw sie, zero
    csrw sip, zero
    mv s0, a0
    mv s1, a1
    mv s2, a1
    lla t1, secondary_main

    # Translation on; then t1(s0, s1) on stack s2, with gp at null activation s2.
enable:
    lla t0, machine_kernel_satp
    ld a0, 0(t0)
    li t2, MAP_IMAGE_OFFSET
    add t1, t1, t2
    lla t0, 1f
    add t0, t0, t2
    csrw stvec, t0
    sfence.vma
    csrw satp, a0
    nop                         # never gets here: the fetch faults
    .balign 4
1:  # 4. At the image's addresses. What the firmware left in sstatus goes: FS, SUM, MXR, SPP, SPIE.
    lla t0, kernel_trap
    csrw stvec, t0
    li t0, 0xc6122
    csrc sstatus, t0
    sfence.vma
    fence.i                     # the boot hart may have patched text since reset
    # 5. Stack and null activation by number.
    lla sp, stacks_start
    addi t0, s2, 1
    li t2, STACK_STRIDE
    mul t0, t0, t2
    add sp, sp, t0
    lla gp, null_activations + 4096
    slli t0, s2, 13
    add gp, gp, t0
    csrw sscratch, gp
    mv a0, s0
    mv a1, s1
    mv fp, zero
    li ra, 0
    jr t1

/*
 * A trap by the kernel itself, from any state: registers into one static frame (only one hart's
 * trap is told, the others stop), then machine_trap. Uses no stack but its own, so that a stack
 * that ran into its guard page is told too.
 */
    .text
    .balign 4
    .globl kernel_trap
kernel_trap:
    csrw sscratch, sp
    lla sp, panic_winner
    amoswap.w.aq sp, sp, (sp)   # the address is not 0, so it serves as the mark
    bnez sp, 2f
    lla sp, panic_frame
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, \n * 8(sp)
    .endr
    csrr t0, sepc
    sd t0, 0(sp)
    csrr t0, sscratch
    sd t0, 16(sp)
    mv a0, sp
    lla sp, panic_stack_top
    # A fault while telling about a fault stops here.
    lla t0, 2f
    csrw stvec, t0
    call machine_trap
    .balign 4
2:  wfi
    j 2b

/*
 * machine_probe_CSR(): does this hart have it? The firmware hands the illegal instruction down to
 * us.
 */
    .macro probe name, csr
    .globl machine_probe_\name
machine_probe_\name:
    csrr t0, stvec
    lla t1, 1f
    csrw stvec, t1
    li a0, 0
    csrr t1, \csr
    li a0, 1
    .balign 4
1:  csrw stvec, t0
    ret
    .endm

    probe stimecmp, 0x14d
    probe senvcfg, 0x10a

    .option push
    .option arch, +d
    .macro each_fp operation:vararg
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    \operation
    .endr
    .endm
    .globl machine_fp_save
machine_fp_save:
    each_fp fsd f\n, \n * 8(a0)
    frcsr t0
    sd t0, 256(a0)
    ret

    .globl machine_fp_load
machine_fp_load:
    each_fp fld f\n, \n * 8(a0)
    ld t0, 256(a0)
    fscsr t0
    ret
    .option pop

    .bss
    .balign 8
panic_frame:
    .space 256
panic_winner:
    .globl panic_winner
    .space 8
    .balign 16
    .space 4096
panic_stack_top:

    .section .stacks, "aw", @nobits
    .globl stacks
stacks:
    .space STACK_STRIDE * 8
