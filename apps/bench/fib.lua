-- SPDX-License-Identifier: BSD-2-Clause
-- Prints the nanoseconds that it took, counted: one instruction is one nanosecond.
local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end
local t = os.clock()
local r = fib(27)
io.write(string.format("%.0f\t%d\n", (os.clock() - t) * 1e9, r))
