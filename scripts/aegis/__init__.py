# SPDX-License-Identifier: BSD-2-Clause
"""What the scripts share; tests import it too (`machine.run`)."""
