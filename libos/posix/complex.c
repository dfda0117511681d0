/* SPDX-License-Identifier: BSD-2-Clause */
/* Complex functions of long double that newlib lacks, from the real ones. */
#include <complex.h>
#include <math.h>

typedef long double complex number;
typedef long double real;

number ccoshl(number z)
{
    real x = creall(z), y = cimagl(z);
    return CMPLXL(coshl(x) * cosl(y), sinhl(x) * sinl(y));
}

number csinhl(number z)
{
    real x = creall(z), y = cimagl(z);
    return CMPLXL(sinhl(x) * cosl(y), coshl(x) * sinl(y));
}

/* With the double of z, so that nothing overflows before it must. */
number ctanhl(number z)
{
    real x = 2 * creall(z), y = 2 * cimagl(z);

    if (fabsl(x) > 80)
        return CMPLXL(copysignl(1, x), copysignl(0, sinl(y)));
    real below = coshl(x) + cosl(y);
    return CMPLXL(sinhl(x) / below, sinl(y) / below);
}

number ccosl(number z)
{
    return ccoshl(CMPLXL(-cimagl(z), creall(z)));
}

/* sin z = -i sinh(iz), tan z = -i tanh(iz) */
number csinl(number z)
{
    number w = csinhl(CMPLXL(-cimagl(z), creall(z)));
    return CMPLXL(cimagl(w), -creall(w));
}

number ctanl(number z)
{
    number w = ctanhl(CMPLXL(-cimagl(z), creall(z)));
    return CMPLXL(cimagl(w), -creall(w));
}

number cexpl(number z)
{
    real size = expl(creall(z)), y = cimagl(z);
    return y == 0 ? CMPLXL(size, y) : CMPLXL(size * cosl(y), size * sinl(y));
}

real cargl(number z)
{
    return atan2l(cimagl(z), creall(z));
}

number clogl(number z)
{
    return CMPLXL(logl(hypotl(creall(z), cimagl(z))), cargl(z));
}

number cpowl(number base, number exponent)
{
    if (base == 0)
        return exponent == 0 ? 1 : 0;
    return cexpl(exponent * clogl(base));
}

number cprojl(number z)
{
    if (!isinf(creall(z)) && !isinf(cimagl(z)))
        return z;
    return CMPLXL(INFINITY, copysignl(0, cimagl(z)));
}

/* atan z = (i / 2) log((i + z) / (i - z)), in real terms */
number catanl(number z)
{
    real x = creall(z), y = cimagl(z);
    real angle = atan2l(2 * x, (1 - x * x) - y * y) / 2;
    real above = x * x + (y + 1) * (y + 1), below = x * x + (y - 1) * (y - 1);
    return CMPLXL(angle, logl(above / below) / 4);
}

/* The half with no cancellation first; the other from z = w * w. */
number csqrtl(number z)
{
    real x = creall(z), y = cimagl(z);

    if (x == 0 && y == 0)
        return CMPLXL(0, y);
    if (isinf(y))
        return CMPLXL(INFINITY, y);
    real half = sqrtl((fabsl(x) + hypotl(x, y)) / 2);
    return x >= 0 ? CMPLXL(half, y / (2 * half))
                  : CMPLXL(fabsl(y) / (2 * half), copysignl(half, y));
}
