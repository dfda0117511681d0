/* SPDX-License-Identifier: BSD-2-Clause */
/* 150 by 150 integers multiplied (SOSP'95 Table 9): no libOS, kernel or slice in the loop, so what it costs beyond itself is theirs. */
#include "figure.h"

#define N 150

static int a[N][N], b[N][N], c[N][N];

static void multiply(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int sum = 0;
            for (int k = 0; k < N; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

int main(void)
{
    int trace = 0;

    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            a[i][j] = i - j, b[i][j] = i == j;
    figure_report("matrix", FIGURE_MEAN(1, 1, multiply()));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            trace += c[i][j] != a[i][j];
    return trace != 0;
}
