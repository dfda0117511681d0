# SPDX-License-Identifier: BSD-2-Clause
"""How long a process is waited for: the seconds in which it could run."""
import unittest
from unittest import mock

import support  # noqa: F401
from aegis import proc


def given_up_after(seconds, ran, waited):
    """Wall seconds, for a process that in each of them runs and waits for a processor so long."""
    now = 0.0

    def scheduled(pid):
        return int(now * ran * 1e9), int(now * waited * 1e9)

    with mock.patch.object(proc, "scheduled", scheduled), mock.patch.object(proc.time, "monotonic", lambda: now):
        patience = proc.Patience(1, seconds)
        while patience.left() > 0 and now < 1000:
            now += 1
    return now


class Patience(unittest.TestCase):
    def test_one_that_sleeps(self):
        self.assertEqual(given_up_after(10, 0, 0), 10)

    def test_one_that_runs(self):
        self.assertEqual(given_up_after(10, 1, 0), 10)

    def test_one_that_hardly_wants_to_run_is_no_longer_waited_for(self):
        self.assertEqual(given_up_after(10, 0.001, 0.009), 11)

    def test_one_among_many(self):
        self.assertAlmostEqual(given_up_after(10, 0.1, 0.9), 53, delta=2)

    def test_four_on_two_processors(self):
        self.assertEqual(given_up_after(10, 2, 2), 20)

    def test_for_ever(self):
        self.assertIsNone(proc.Patience(1, None).left())
