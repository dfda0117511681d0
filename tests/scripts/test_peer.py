# SPDX-License-Identifier: BSD-2-Clause
"""What makes frames for the machine's wire is there when a frame is made, not before: its import takes a second."""
import subprocess
import unittest
from pathlib import Path

from support import ROOT

PYTHON = "/usr/bin/python3"
CODE = """
import sys
sys.path.insert(0, sys.argv[1])
from aegis import bench, peer
print("scapy" in sys.modules)
peer.frames()
print("scapy" in sys.modules)
"""


class Peer(unittest.TestCase):
    @unittest.skipUnless(Path("/usr/lib/python3/dist-packages/scapy").exists(), "no scapy")
    def test_scapy_comes_with_the_first_frame(self):
        done = subprocess.run([PYTHON, "-c", CODE, ROOT / "scripts"], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.stdout, done.stderr), ("False\nTrue\n", ""))

    def test_without_it_is_told_what_is_missing(self):
        code = "import sys; sys.path.insert(0, sys.argv[1]); sys.modules['scapy.layers.inet'] = None\nfrom aegis import peer, proc\n" \
               "try:\n    peer.frames()\nexcept proc.Failure as failure:\n    print(failure)"
        done = subprocess.run([PYTHON, "-c", code, ROOT / "scripts"], capture_output=True, text=True, timeout=60)
        self.assertIn("python3-scapy", done.stdout)


if __name__ == "__main__":
    unittest.main()
