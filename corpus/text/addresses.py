"""What an address says of where a document is from. Given up: domains under which anybody may register, and names that are
written in two ways (punycode).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import one_array

_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^/:?#\\]+)"


def hosts(urls: pa.Array | pa.ChunkedArray) -> pa.Array:
    """(n,) string: each address's host in lower case, without port and leading "www."; null where there is none."""
    host = pc.utf8_lower(pc.struct_field(pc.extract_regex(one_array(urls).cast(pa.string()), _HOST), "host"))
    return pc.replace_substring_regex(host, r"^www\.([^.]+\.)", r"\1")
