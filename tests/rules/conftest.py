import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))      # texts and verdicts are shared by the tests of this folder and tools
