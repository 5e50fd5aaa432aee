"""What C4 looks for in a line (Raffel et al. 2020, section 2.2), as datatrove spells it: for its signals and its editor."""

from __future__ import annotations

import re

CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
TERMINAL = (".", "?", "!", '"', "'")
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
