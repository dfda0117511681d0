/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: ash/verify.c ash/decode.c */
/* flags: -I. */
/* The handlers' verifier: each attack is refused, and for the reason meant; its twin, as near to it as can be, is taken. */
#include <string.h>

#include "ash/encode.h"
#include "ash/verify.h"

#include "tap.h"

#define WINDOW 8192
#define END    LI_A0, JALR(0, 0, X_S11)
#define LI_A0  ADDI(X_A0, 0, 0)
#define STEP_BACK(n) ADDI(X_S8, X_S8, -(n))

/* The guard: whatever t0 is, t1 is in the window. */
#define GUARD  AND(X_T1, X_T0, X_S9), ADD(X_T1, X_T1, X_S10)
#define T0_ANY LD(X_T0, 0, X_S10)

static struct ash_label labels[64];
static struct ash_known knowns[64];
static unsigned label_count, known_count;

static void begin(void)
{
    label_count = known_count = 0;
}

static void label(uint32_t at, uint32_t set)
{
    labels[label_count++] = (struct ash_label){at, set, ASH_WRITABLE, (uint16_t)known_count, 0};
}

static void known(unsigned reg, unsigned kind, int32_t low, int32_t high)
{
    knowns[known_count++] = (struct ash_known){(uint8_t)reg, (uint8_t)kind, 0, low, high};
    labels[label_count - 1].count++;
}

static enum ash_error verify(const uint32_t *word, unsigned count)
{
    struct ash_code code = {word, labels, knowns, count, label_count, known_count, WINDOW};
    struct ash_verifier v;
    enum ash_error error = ash_verify_begin(&v, &code);

    while (error == ASH_MORE)
        error = ash_verify_step(&v, 3);
    return error;
}

static void expect(const char *name, enum ash_error expected, const uint32_t *word, unsigned count)
{
    enum ash_error error = verify(word, count);

    if (error != expected)
        printf("# %s: %d, not %d\n", name, error, expected);
    tap(error == expected, name);
}

#define EXPECT(name, error, ...) \
    expect(name, error, (const uint32_t[]){__VA_ARGS__}, sizeof(const uint32_t[]){__VA_ARGS__} / 4)
#define REFUSED(name, error, ...) EXPECT(name " is refused", error, __VA_ARGS__)
#define TAKEN(name, ...)          EXPECT(name " is taken", ASH_GOOD, __VA_ARGS__)

#define R(n) (1U << (n))

/* ---- decoding and control flow ---- */

static void test_jumps(void)
{
    begin();
    label(3, R(X_T0));
    known(X_T0, ASH_NUMBER, 0, WINDOW - 1);
    REFUSED("a branch into the middle of a guard pair", ASH_NOT_KNOWN, T0_ANY, BEQ(X_T0, 0, 8), AND(X_T0, X_T0, X_S9),
            ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    TAKEN("a branch with what the guard's first half makes", T0_ANY, ANDI(X_T0, X_T0, 7), BEQ(X_T0, 0, 4), ADD(X_T0, X_T0, X_S10),
          SD(0, 0, X_T0), END);
    begin();
    label(3, R(X_T0));
    label(4, R(X_T0));
    known(X_T0, ASH_NUMBER, 0, WINDOW - 1);
    REFUSED("a jump into the middle of a guard pair", ASH_NOT_KNOWN, T0_ANY, BEQ(X_A1, 0, 8), JAL(0, 8), AND(X_T0, X_T0, X_S9),
            ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    TAKEN("a jump with what the guard's first half makes", LBU(X_T0, 0, X_S10), BEQ(X_A1, 0, 8), JAL(0, 8), AND(X_T0, X_T0, X_S9),
          ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    begin();
    label(1, 0);
    REFUSED("a jump into the middle of an instruction", ASH_NO_LABEL, JAL(0, 6), NOP, END);
    TAKEN("a jump to an instruction", JAL(0, 4), NOP, END);
    REFUSED("a branch into the middle of an instruction", ASH_NO_LABEL, BEQ(0, 0, 6), NOP, END);
    TAKEN("a branch to an instruction", BEQ(0, 0, 4), NOP, END);
    REFUSED("a comparison into the middle of an instruction", ASH_NO_LABEL, BLTU(X_A1, X_A1, 6), NOP, END);
    TAKEN("a comparison to an instruction", BLTU(X_A1, X_A1, 4), NOP, END);
    REFUSED("a branch on what was never set", ASH_UNSET, BEQ(X_T3, 0, 4), END);
    REFUSED("a comparison of what was never set", ASH_UNSET, BLTU(X_A1, X_T3, 4), END);
    begin();
    label(1, 0);
    label(2, 0);
    REFUSED("a jump out of the code by one", ASH_NO_LABEL, BEQ(0, 0, 4), LI_A0, BEQ(0, 0, 8), JALR(0, 0, X_S11));
    REFUSED("a jump to behind the code", ASH_NO_LABEL, BEQ(0, 0, 4), JAL(0, 4));
    REFUSED("a jump before the code", ASH_NO_LABEL, BEQ(0, 0, -4), NOP, END);
    TAKEN("a jump to the last instruction but one", BEQ(0, 0, 4), JAL(0, 4), END);
    begin();
    REFUSED("a jump to where no label is", ASH_NO_LABEL, BEQ(0, 0, 8), NOP, END);
    label(1, 0);
    label(1, 0);
    REFUSED("a label twice", ASH_BAD_LABEL, BEQ(0, 0, 4), END);
    begin();
    label(1, 0);
    label(3, 0);
    REFUSED("a label behind the code", ASH_BAD_LABEL, BEQ(0, 0, 4), END);
    begin();
    label(2, 0);
    label(1, 0);
    REFUSED("labels out of order", ASH_BAD_LABEL, BEQ(0, 0, 4), NOP, END);
}

static void test_ends(void)
{
    begin();
    expect("empty code is refused", ASH_EMPTY, NULL, 0);
    REFUSED("code that falls off its end", ASH_FALLS_OFF, LI_A0);
    REFUSED("code that falls off its end behind a branch", ASH_NO_LABEL, LI_A0, BEQ(0, 0, 4));
    REFUSED("code that nothing leads to", ASH_DEAD, END, NOP);
    TAKEN("code that ends", END);
    static uint32_t many[ASH_WORDS_MAX + 1];
    for (unsigned i = 0; i < ASH_WORDS_MAX + 1; i++)
        many[i] = NOP;
    many[ASH_WORDS_MAX] = JALR(0, 0, X_S11);
    many[ASH_WORDS_MAX - 1] = LI_A0;
    expect("code over the limit is refused", ASH_EMPTY, many, ASH_WORDS_MAX + 1);
    expect("code of the limit's length is taken", ASH_GOOD, many + 1, ASH_WORDS_MAX);
}

static void test_encodings(void)
{
    static const struct { const char *name; uint32_t word; } bad[] = {
        {"the all-zero word", 0}, {"the all-one word", ~0U}, {"a compressed instruction", 0x00010001},
        {"c.addi16sp, which writes sp", 0x00016111}, {"c.lui to the window's base", 0x00016d11}, {"c.jalr, which links", 0x00019502},
        {"c.mv to the table", 0x00018d92}, {"c.sdsp", 0x0001e012},
        {"a compressed instruction before half of one", 0x00130001}, {"a 48-bit prefix", 0x0000001f}, {"a 64-bit prefix", 0x0000003f},
        {"custom-0", 0x0b}, {"custom-1", 0x2b}, {"custom-2", 0x5b}, {"custom-3", 0x7b}, {"auipc", 0x297},
        {"vsetvli", 0x0c0072d7}, {"vse64.v", 0x02057027}, {"vle64.v", 0x02057007}, {"cbo.zero", 0x0045200f}, {"cbo.flush", 0x0025200f},
        {"cm.push", 0xb842b842}, {"pause", 0x0100000f}, {"fence.tso", 0x8330000f}, {"fence.i", 0x100f},
        {"ecall", 0x73}, {"ebreak", 0x100073}, {"wfi", 0x10500073}, {"sret", 0x10200073}, {"mret", 0x30200073},
        {"sfence.vma", 0x12000073}, {"hfence.gvma", 0x62000073}, {"lr.w", 0x100522af}, {"sc.d", 0x1a6532af},
        {"flw", 0x52007}, {"fld", 0x53007}, {"fsd", 0x00053027}, {"fadd.d", 0x02007053}, {"fmadd.s", 0x43}, {"frcsr", 0x003022f3},
        {"a shift by more than 63", 0x04029293 | 1U << 26}, {"a word shift by more than 31", 0x0202929b}, {"a load of funct3 7", 0x57283},
        {"a store of funct3 4", 0x54023}, {"a branch of funct3 2", 0x2063}, {"jalr of funct3 1", 0x1067}, {"sh1add", 0x20a522b3},
        {"add.uw", 0x08a502bb}, {"rev8", 0x6b855293}, {"andn", 0x40a572b3}, {"czero.eqz", 0x0ea552b3},
    };
    begin();
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s is refused", bad[i].name);
        expect(name, ASH_BAD_CODE, (const uint32_t[]){bad[i].word, END}, 3);
    }
    bool all = true;
    for (uint32_t csr = 0; csr < 4096; csr++)
        for (uint32_t kind = 1; kind < 8; kind++)
            all &= kind == 4 || verify((const uint32_t[]){0x73 | csr << 20 | kind << 12 | X_T0 << 7, END}, 3) == ASH_BAD_CODE;
    tap(all, "each instruction on each CSR is refused");
    REFUSED("prefetch.w, which is an ori to x0", ASH_RESERVED, 0x00356013, END);
    TAKEN("fence rw,rw", 0x0330000f, END);
    TAKEN("amoadd.d in the window", ADDI(X_T0, 0, 1), AMO(0, 3, X_T1, X_T0, X_S10), END);
}

static void test_reserved(void)
{
    static const unsigned kept[] = {X_ZERO, X_GP, X_TP, X_S7, X_S8, X_S9, X_S10, X_S11};
    const struct { const char *name; uint32_t word; } form[] = {
        {"addi", ADDI(0, X_A1, 1)}, {"add", ADD(0, X_A1, X_A1)}, {"lui", LUI(0, 1)}, {"ld", LD(0, 0, X_A0)}, {"addw", ADDW(0, X_A1, X_A1)},
        {"addiw", ADDIW(0, X_A1, 0)}, {"mul", MUL(0, X_A1, X_A1)}, {"amoswap.d", AMO(1, 3, 0, X_A1, X_S10)}, {"slli", SLLI(0, X_A1, 1)},
        {"lbu", LBU(0, 0, X_A0)}, {"divu", DIVU(0, X_A1, X_A1)}, {"mulw", MULW(0, X_A1, X_A1)},
    };
    begin();
    for (unsigned f = 0; f < sizeof form / sizeof form[0]; f++) {
        bool refused = true;
        char name[64];
        for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++)
            refused &= verify((const uint32_t[]){form[f].word | kept[i] << 7, END}, 3) == ASH_RESERVED;
        snprintf(name, sizeof name, "%s to a reserved register is refused", form[f].name);
        tap(refused, name);
        snprintf(name, sizeof name, "%s to another is taken", form[f].name);
        tap(verify((const uint32_t[]){form[f].word | X_T0 << 7, END}, 3) == ASH_GOOD, name);
    }
    label(1, 0);
    for (unsigned i = 1; i < 32; i++)
        if (verify((const uint32_t[]){JAL(i, 4), END}, 3) != ASH_RESERVED)
            tap(false, "jal with a link");
    REFUSED("jal with a link", ASH_RESERVED, JAL(X_RA, 4), END);
    TAKEN("jal without", JAL(0, 4), END);
    begin();
    REFUSED("reading gp, which is the kernel's", ASH_UNSET, ADDI(X_T0, X_GP, 0), END);
    REFUSED("reading tp, which is another environment's", ASH_UNSET, ADDI(X_T0, X_TP, 0), END);
    REFUSED("storing what was never set", ASH_UNSET, SD(X_T3, 0, X_S10), END);
    TAKEN("storing what was", ADDI(X_T3, 0, 1), SD(X_T3, 0, X_S10), END);
}

static void test_indirect(void)
{
    begin();
    REFUSED("jalr through a register", ASH_BAD_CALL, LD(X_T0, 0, X_S10), JALR(0, 0, X_T0));
    REFUSED("jalr through a guarded register", ASH_BAD_CALL, T0_ANY, GUARD, JALR(0, 0, X_T1));
    REFUSED("jalr with an offset behind its mask", ASH_BAD_CALL, T0_ANY, GUARD, JALR(X_RA, 32, X_T1), END);
    REFUSED("jalr through ra from memory", ASH_BAD_CALL, LD(X_RA, 0, X_S10), JALR(0, 0, X_RA));
    REFUSED("jalr through ra of a call", ASH_BAD_CALL, JALR(X_RA, 32, X_S11), JALR(0, 0, X_RA));
    REFUSED("a call of an entry behind the table", ASH_BAD_CALL, JALR(X_RA, 16 * ASH_CALL_END, X_S11), END);
    REFUSED("a call before the table", ASH_BAD_CALL, JALR(X_RA, -16, X_S11), END);
    REFUSED("a call into the middle of an entry", ASH_BAD_CALL, JALR(X_RA, 36, X_S11), END);
    REFUSED("a call of the end", ASH_BAD_CALL, JALR(X_RA, 0, X_S11), END);
    REFUSED("an entry without a way back", ASH_BAD_CALL, LI_A0, JALR(0, 32, X_S11));
    REFUSED("a call that links elsewhere", ASH_BAD_CALL, JALR(X_T0, 32, X_S11), END);
    REFUSED("a call that links into the window's base", ASH_BAD_CALL, JALR(X_S10, 32, X_S11), END);
    TAKEN("a call of an entry", JALR(X_RA, 32, X_S11), END);
    REFUSED("an end with no verdict", ASH_UNSET, JALR(X_RA, 32, X_S11), ADDI(X_A0, 0, 0), JALR(X_RA, 32, X_S11), ADDI(X_T0, X_A1, 0), END);
    REFUSED("a call with an argument never set", ASH_UNSET, JALR(X_RA, 32, X_S11), JALR(X_RA, 16, X_S11), END);
    TAKEN("one with both", ADDI(X_A1, 0, 64), ADDI(X_A0, X_A0, 0), JALR(X_RA, 16, X_S11), END);
    REFUSED("an address kept over a call in a register that it does not keep", ASH_NOT_ADDRESS, ADDI(X_A0, X_S10, 0),
            JALR(X_RA, 32, X_S11), LD(X_T0, 0, X_A0), END);
    TAKEN("one kept in s0", ADDI(X_S0, X_S10, 0), JALR(X_RA, 32, X_S11), LD(X_T0, 0, X_S0), END);
}

static void test_fuel(void)
{
    begin();
    label(0, R(X_A0));
    REFUSED("a loop with no fuel", ASH_NOT_PAID, JAL(0, 0));
    REFUSED("a conditional loop with no fuel", ASH_NOT_PAID, NOP, BNE(X_A0, 0, -4), END);
    begin();
    label(1, 0);
    label(4, 0);
    REFUSED("a loop with less fuel than instructions", ASH_NOT_PAID, NOP, NOP, STEP_BACK(2), BGE(X_S8, 0, -8), END);
    TAKEN("a loop with fuel", NOP, NOP, STEP_BACK(3), BGE(X_S8, 0, -8), END);
    REFUSED("fuel taken and not looked at", ASH_NOT_CHECKED, NOP, NOP, STEP_BACK(3), JAL(0, -8), END);
    REFUSED("fuel looked at by another comparison", ASH_NOT_CHECKED, NOP, NOP, STEP_BACK(3), BNE(X_S8, 0, -8), END);
    REFUSED("a loop while there is no fuel", ASH_NOT_PAID, NOP, NOP, STEP_BACK(8), BLT(X_S8, 0, -8), END);
    REFUSED("fuel added", ASH_RESERVED, NOP, NOP, ADDI(X_S8, X_S8, 3), BGE(X_S8, 0, -8), END);
    REFUSED("fuel set", ASH_RESERVED, NOP, ADDI(X_S8, X_S9, -3), BGE(X_S8, 0, -4), NOP, END);
    begin();
    label(1, 0);
    label(4, 0);
    label(6, 0);
    REFUSED("fuel taken on another path", ASH_NOT_PAID, NOP, BEQ(0, 0, 12), STEP_BACK(8), BLT(X_S8, 0, 12), BEQ(0, 0, -12), NOP, END);
    begin();
    label(1, 0);
    label(5, 0);
    TAKEN("fuel taken on the path", NOP, NOP, STEP_BACK(8), BLT(X_S8, 0, 8), BEQ(0, 0, -12), END);
    REFUSED("a jump back where there is no fuel", ASH_NOT_PAID, NOP, NOP, STEP_BACK(8), BGE(X_S8, 0, 8), BEQ(0, 0, -12), END);
    begin();
    label(1, 0);
    label(3, 0);
    label(4, 0);
    REFUSED("a jump between taking fuel and looking", ASH_NOT_CHECKED, BEQ(0, 0, 12), NOP, STEP_BACK(8), BGE(X_S8, 0, -8), END);
    begin();
    label(0, 0);
    REFUSED("recursion", ASH_RESERVED, JAL(X_RA, 0));
    REFUSED("recursion through the table", ASH_BAD_CALL, JALR(X_RA, 16, X_RA), END);
}

/* ---- memory ---- */

static void test_guards(void)
{
    begin();
    TAKEN("the guard", T0_ANY, GUARD, SD(0, 0, X_T1), LBU(X_T0, 2047, X_T1), END);
    REFUSED("a guard on one register and use of another", ASH_NOT_ADDRESS, T0_ANY, GUARD, SD(0, 0, X_T0), END);
    REFUSED("half a guard: the mask", ASH_NOT_ADDRESS, T0_ANY, AND(X_T1, X_T0, X_S9), SD(0, 0, X_T1), END);
    REFUSED("half a guard: the base", ASH_NOT_ADDRESS, T0_ANY, ADD(X_T1, X_T0, X_S10), SD(0, 0, X_T1), END);
    REFUSED("a guard whose register changes before its use", ASH_NOT_ADDRESS, T0_ANY, GUARD, ADD(X_T1, X_T1, X_T0), SD(0, 0, X_T1), END);
    REFUSED("a mask of another register", ASH_NOT_ADDRESS, T0_ANY, AND(X_T1, X_T0, X_S8), ADD(X_T1, X_T1, X_S10), SD(0, 0, X_T1), END);
    REFUSED("or for and", ASH_NOT_ADDRESS, T0_ANY, OR(X_T1, X_T0, X_S9), ADD(X_T1, X_T1, X_S10), SD(0, 0, X_T1), END);
    REFUSED("a base twice", ASH_NOT_ADDRESS, T0_ANY, GUARD, ADD(X_T1, X_T1, X_S10), SD(0, 0, X_T1), END);
    REFUSED("a base less a number", ASH_NOT_ADDRESS, T0_ANY, AND(X_T1, X_T0, X_S9), SUB(X_T1, X_T1, X_S10), SD(0, 0, X_T1), END);
    REFUSED("a sign-extended word as an offset", ASH_OUTSIDE, LW(X_T0, 0, X_S10), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("a zero-extended word as an offset", ASH_OUTSIDE, LWU(X_T0, 0, X_S10), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("addw's sign as an offset", ASH_OUTSIDE, T0_ANY, ADDW(X_T0, X_T0, X_T0), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    TAKEN("addw's sum where it is small", LBU(X_T0, 0, X_S10), ADDW(X_T0, X_T0, X_T0), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("addw of an address", ASH_NOT_ADDRESS, ADDW(X_T0, X_S10, 0), SD(0, 0, X_T0), END);
    REFUSED("addiw of an address", ASH_NOT_ADDRESS, ADDIW(X_T0, X_S10, 0), SD(0, 0, X_T0), END);
    REFUSED("lui's sign as an offset", ASH_OUTSIDE, LUI(X_T0, 0x80000), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("lui's offset behind the unmapped pages", ASH_OUTSIDE, LUI(X_T0, 0x103), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    TAKEN("lui's offset in the window", LUI(X_T0, 1), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    TAKEN("a byte as an offset", LBU(X_T0, 0, X_S10), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("a half word shifted far as an offset", ASH_OUTSIDE, LHU(X_T0, 0, X_S10), SLLI(X_T0, X_T0, 8), ADD(X_T0, X_T0, X_S10),
            SD(0, 0, X_T0), END);
    TAKEN("a half word shifted a little", LHU(X_T0, 0, X_S10), SLLI(X_T0, X_T0, 3), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("memory through x0", ASH_NOT_ADDRESS, LD(X_T0, 0, 0), END);
    REFUSED("memory through the table", ASH_NOT_ADDRESS, LD(X_T0, 0, X_S11), END);
    REFUSED("memory through fuel", ASH_NOT_ADDRESS, LD(X_T0, 0, X_S8), END);
    REFUSED("an atomic operation through anything", ASH_NOT_ADDRESS, T0_ANY, AMO(0, 2, X_T1, X_T0, X_T0), END);
    REFUSED("loads through anything", ASH_NOT_ADDRESS, T0_ANY, LB(X_T1, 0, X_T0), END);
    REFUSED("writing code", ASH_NOT_ADDRESS, JALR(X_RA, 32, X_S11), SD(0, 0, X_RA), END);
}

static void test_ends_of_window(void)
{
    begin();
    TAKEN("8 bytes at the window's end less 8", LUI(X_T0, 2), ADD(X_T0, X_T0, X_S10), LD(X_T1, -8, X_T0), END);
    REFUSED("8 bytes of which 1 is behind the end, always", ASH_OUTSIDE, LUI(X_T0, 2), ADD(X_T0, X_T0, X_S10), LD(X_T1, -7, X_T0), END);
    TAKEN("1 byte at the window's end less 1", LUI(X_T0, 2), ADD(X_T0, X_T0, X_S10), LB(X_T1, -1, X_T0), END);
    REFUSED("1 byte at the end", ASH_OUTSIDE, LUI(X_T0, 2), ADD(X_T0, X_T0, X_S10), LB(X_T1, 0, X_T0), END);
    REFUSED("1 byte before the window", ASH_OUTSIDE, LB(X_T1, -1, X_S10), END);
    TAKEN("its first byte", LB(X_T1, 0, X_S10), END);
    TAKEN("the largest offsets behind a guard", T0_ANY, GUARD, LD(X_T2, 2047, X_T1), T0_ANY, GUARD, LD(X_T2, -2048, X_T1), END);
    begin();
    label(1, R(X_T0));
    known(X_T0, ASH_IN_WINDOW, -(int)ASH_WINDOW_GUARD, WINDOW + (int)ASH_WINDOW_GUARD - 8);
    TAKEN("8 bytes in the last unmapped ones", ADDI(X_T0, X_S10, 0), LD(X_T1, 0, X_T0), END);
    REFUSED("8 bytes, 1 behind the unmapped ones", ASH_OUTSIDE, ADDI(X_T0, X_S10, 0), LD(X_T1, 1, X_T0), END);
    REFUSED("8 bytes, 1 before the unmapped ones", ASH_OUTSIDE, ADDI(X_T0, X_S10, 0), LD(X_T1, -1, X_T0), END);
    begin();
    label(1, R(X_T0));
    known(X_T0, ASH_IN_FRAME, -(int)ASH_FRAME_GUARD, ASH_FRAME_SIZE + (int)ASH_FRAME_GUARD - 8);
    TAKEN("8 bytes in the last unmapped ones of a frame", ADDI(X_T0, X_S7, 0), LD(X_T1, 0, X_T0), END);
    REFUSED("8 bytes, 1 behind those of a frame", ASH_OUTSIDE, ADDI(X_T0, X_S7, 0), LD(X_T1, 1, X_T0), END);
    REFUSED("8 bytes, 1 before those of a frame", ASH_OUTSIDE, ADDI(X_T0, X_S7, 0), LD(X_T1, -1, X_T0), END);
    begin();
    REFUSED("a wrap around", ASH_OUTSIDE, LUI(X_T0, 0x40000), SLLI(X_T0, X_T0, 1), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("one window's bounds for the other", ASH_OUTSIDE, LUI(X_T0, 8), ADD(X_T0, X_T0, X_S7), LUI(X_T1, 0x8), ADD(X_T0, X_T0, X_T1),
            LD(X_T1, 0, X_T0), END);
}

static void test_stack(void)
{
    begin();
    TAKEN("a stack in the window", ADDI(X_SP, X_SP, -16), SD(X_A1, 8, X_SP), LD(X_T0, 8, X_SP), ADDI(X_SP, X_SP, 16), END);
    REFUSED("storing above the stack", ASH_OUTSIDE, SD(X_A1, 0, X_SP), END);
    REFUSED("sp of anything", ASH_NOT_ADDRESS, LD(X_SP, 0, X_S10), SD(X_A1, 0, X_SP), END);
    REFUSED("sp moved by anything", ASH_NOT_ADDRESS, T0_ANY, SUB(X_SP, X_SP, X_T0), SD(X_A1, 0, X_SP), END);
    begin();
    label(1, R(X_SP));
    known(X_SP, ASH_IN_WINDOW, 4096, 8192);
    REFUSED("sp walking down in a loop", ASH_NOT_KNOWN, NOP, ADDI(X_SP, X_SP, -2032), STEP_BACK(8), BGE(X_S8, 0, -8), END);
    begin();
    label(1, R(X_SP));
    known(X_SP, ASH_IN_WINDOW, 4096, 8192);
    TAKEN("sp that comes back in the loop", NOP, ADDI(X_SP, X_SP, -32), SD(0, 0, X_SP), ADDI(X_SP, X_SP, 32), STEP_BACK(8), BGE(X_S8, 0, -16), END);
}

/* ---- what is known at labels ---- */

static void test_known(void)
{
    begin();
    label(1, R(X_T0));
    REFUSED("an address that the label before it does not claim", ASH_NOT_ADDRESS, ADDI(X_T0, X_S10, 0), SD(0, 0, X_T0), END);
    known(X_T0, ASH_IN_WINDOW, 0, 0);
    TAKEN("an address that the label before it claims", ADDI(X_T0, X_S10, 0), SD(0, 0, X_T0), END);
    REFUSED("a label that claims what is not known where it is run into", ASH_NOT_KNOWN, T0_ANY, SD(0, 0, X_T0), END);
    begin();
    label(1, 0);
    REFUSED("a register that the label before it does not claim to be set", ASH_UNSET, ADDI(X_T0, 0, 1), SD(X_T0, 0, X_S10), END);
    begin();
    label(1, R(X_T0));
    known(X_T0, ASH_IN_WINDOW, 0, WINDOW);
    TAKEN("an address that walks by accesses", ADDI(X_T0, X_S10, 0), LBU(X_T1, 0, X_T0), ADDI(X_T0, X_T0, 1), STEP_BACK(8),
          BGE(X_S8, 0, -12), END);
    REFUSED("an address that walks without", ASH_NOT_KNOWN, ADDI(X_T0, X_S10, 0), NOP, ADDI(X_T0, X_T0, 1), STEP_BACK(8),
            BGE(X_S8, 0, -12), END);
    begin();
    label(2, R(X_T0));
    known(X_T0, ASH_IN_WINDOW, 0, 0);
    REFUSED("a label that claims what one way to it does not know", ASH_NOT_KNOWN, T0_ANY, BEQ(X_T0, 0, 4), LD(X_T0, 0, X_T0), END);
    begin();
    label(2, R(X_T0) | R(X_T1));
    REFUSED("a label that claims a register set", ASH_NOT_KNOWN, T0_ANY, BEQ(X_T0, 0, 4), SD(X_T1, 0, X_S10), END);
    begin();
    label(2, R(X_T0) | R(X_GP));
    REFUSED("a label that claims gp", ASH_NOT_KNOWN, T0_ANY, BEQ(X_T0, 0, 4), END);
    begin();
    label(2, R(X_T0));
    known(X_S10, ASH_IN_WINDOW, 0, 0);
    REFUSED("a label that speaks of a reserved register", ASH_BAD_LABEL, T0_ANY, BEQ(X_T0, 0, 4), END);
    begin();
    label(2, R(X_T0));
    known(X_T0, 7, 0, 0);
    REFUSED("a label of an unknown kind", ASH_NOT_KNOWN, T0_ANY, BEQ(X_T0, 0, 4), END);
    begin();
    label(2, R(X_T0));
    labels[0].tracked |= R(X_S10);
    REFUSED("a label that tracks a reserved register", ASH_BAD_LABEL, T0_ANY, BEQ(X_T0, 0, 4), END);
    begin();
    label(2, R(X_T0));
    known(X_T0, ASH_NUMBER, 0, 0);
    labels[0].tracked &= ~R(X_T0);
    REFUSED("a claim of a register that is not tracked", ASH_BAD_LABEL, ADDI(X_T0, 0, 0), BEQ(X_T0, 0, 4), END);
    labels[0].tracked |= R(X_T0);
    TAKEN("one of a register that is", ADDI(X_T0, 0, 0), BEQ(X_T0, 0, 4), END);
    begin();
    label(1, 0);
    labels[0].tracked &= ~R(X_T0);
    REFUSED("an address made where it is not tracked", ASH_NOT_ADDRESS, BEQ(0, 0, 4), ADDI(X_T0, X_S10, 8), SD(0, 0, X_T0), END);
    REFUSED("one that was known, written again by what is seldom", ASH_NOT_ADDRESS, BEQ(0, 0, 4), MUL(X_T0, 0, 0), ADD(X_T1, X_T0, X_S10),
            SD(0, 0, X_T1), END);
    labels[0].tracked |= R(X_T0);
    TAKEN("an address made where it is tracked", BEQ(0, 0, 4), ADDI(X_T0, X_S10, 8), SD(0, 0, X_T0), END);
    TAKEN("one of what is seldom", BEQ(0, 0, 4), MUL(X_T0, 0, 0), ADD(X_T1, X_T0, X_S10), SD(0, 0, X_T1), END);
    label(6, 0);
    TAKEN("one bounded by a comparison where it is tracked", BEQ(0, 0, 4), T0_ANY, ADDI(X_T1, 0, 64), BGEU(X_T0, X_T1, 12), ADD(X_T0, X_T0, X_S10),
          SD(0, 0, X_T0), END);
    labels[0].tracked &= ~R(X_T0);
    REFUSED("one bounded by a comparison where it is not", ASH_NOT_ADDRESS, BEQ(0, 0, 4), T0_ANY, ADDI(X_T1, 0, 64), BGEU(X_T0, X_T1, 12),
            ADD(X_T1, X_T0, X_S10), SD(0, 0, X_T1), END);
    begin();
    label(2, R(X_T0));
    labels[0].first = 60000, labels[0].count = 60000;
    REFUSED("a label whose claims are elsewhere", ASH_NOT_KNOWN, T0_ANY, BEQ(X_T0, 0, 4), END);
    begin();
    label(3, R(X_T0));
    TAKEN("an index below a bound", T0_ANY, ADDI(X_T1, 0, 64), BGEU(X_T0, X_T1, 4 * 1), NOP, END);
    begin();
    label(7, 0);
    TAKEN("an address by an index below a bound", T0_ANY, ADDI(X_T1, 0, 64), BGEU(X_T0, X_T1, 4 * 5), SLLI(X_T0, X_T0, 3),
          ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), NOP, END);
    REFUSED("an address by an index above a bound", ASH_NOT_ADDRESS, T0_ANY, ADDI(X_T1, 0, 64), BLTU(X_T0, X_T1, 4 * 5), SLLI(X_T0, X_T0, 3),
            ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), NOP, END);
    REFUSED("an index bounded, then changed", ASH_NOT_ADDRESS, T0_ANY, ADDI(X_T1, 0, 64), BGEU(X_T0, X_T1, 4 * 5), LD(X_T0, 0, X_S10),
            ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), NOP, END);
    REFUSED("an index bounded with a sign", ASH_NOT_ADDRESS, T0_ANY, ADDI(X_T1, 0, 64), BGE(X_T0, X_T1, 4 * 5), SLLI(X_T0, X_T0, 3),
            ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), NOP, END);
}

static void test_arithmetic(void)
{
    begin();
    label(1, R(X_T0));
    known(X_T0, ASH_NUMBER, 0, 256);
    REFUSED("a number shifted out of 64 bits", ASH_NOT_ADDRESS, LBU(X_T0, 0, X_S10), SLLI(X_T0, X_T0, 56), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    TAKEN("a number shifted a little", LBU(X_T0, 0, X_S10), SLLI(X_T0, X_T0, 4), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    begin();
    REFUSED("the remainder by a register that may be 0", ASH_NOT_ADDRESS, T0_ANY, LBU(X_T1, 0, X_S10), REMU(X_T0, X_T0, X_T1),
            ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    TAKEN("the remainder by one that is not", T0_ANY, LBU(X_T1, 0, X_S10), ORI(X_T2, X_T1, 0), ADDI(X_T1, X_T2, 1), REMU(X_T0, X_T0, X_T1),
          ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("the signed remainder", ASH_NOT_ADDRESS, T0_ANY, ADDI(X_T1, 0, 8), REM(X_T0, X_T0, X_T1), ADD(X_T0, X_T0, X_S10),
            SD(0, 0, X_T0), END);
    REFUSED("a shift by a register", ASH_NOT_ADDRESS, ADDI(X_T1, 0, 8), SLL(X_T0, X_T1, X_T1), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("a multiplication that overflows 32 bits", ASH_OUTSIDE, LUI(X_T1, 0x10), MULW(X_T0, X_T1, X_T1), ADD(X_T0, X_T0, X_S10),
            SD(0, 0, X_T0), END);
    REFUSED("the division's all ones", ASH_NOT_ADDRESS, ADDI(X_T1, 0, 8), DIVU(X_T0, X_T1, 0), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("srliw by 0, which extends the sign", ASH_OUTSIDE, T0_ANY, SRLIW(X_T0, X_T0, 0), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    TAKEN("srliw by 16", T0_ANY, SRLIW(X_T0, X_T0, 16), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    TAKEN("srai by 48", T0_ANY, SRAI(X_T0, X_T0, 48), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    REFUSED("xor with a negative number", ASH_NOT_ADDRESS, LBU(X_T0, 0, X_S10), XORI(X_T0, X_T0, -1), ADD(X_T0, X_T0, X_S10), SD(0, 0, X_T0), END);
    TAKEN("and of an address with -8", ANDI(X_T0, X_A0, -8), SD(0, 0, X_T0), END);
    REFUSED("and of an address with a mask that is not small", ASH_NOT_ADDRESS, ANDI(X_T0, X_A0, 255), SD(0, 0, X_T0), END);
}

static void test_images(void)
{
    struct ash_verifier v;
    struct ash_code code = {(const uint32_t[]){END}, labels, knowns, 2, 0, 0, WINDOW};
    static const uint32_t sizes[] = {0, 1, 2048, 4097, 12288, ASH_WINDOW_MAX * 2, ~0U};
    bool refused = true;

    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        code.window = sizes[i];
        refused &= ash_verify_begin(&v, &code) == ASH_BAD_WINDOW;
    }
    tap(refused, "a window that is no power of two, too small or too large is refused");
    code.window = WINDOW;
    code.labels = ASH_LABELS_MAX + 1;
    tap(ash_verify_begin(&v, &code) == ASH_EMPTY, "too many labels are refused");
    code.labels = 1;
    labels[0] = (struct ash_label){.at = ~0U};
    tap(ash_verify_begin(&v, &code) == ASH_MORE && ash_verify_step(&v, ~0U) == ASH_BAD_LABEL, "a label far behind is refused");
}

int main(void)
{
    test_jumps();
    test_ends();
    test_encodings();
    test_reserved();
    test_indirect();
    test_fuel();
    test_guards();
    test_ends_of_window();
    test_stack();
    test_known();
    test_arithmetic();
    test_images();
    return tap_failed;
}
