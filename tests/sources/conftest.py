import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))   # bad_files is shared with the tests of extract
