"""Raw records → text: extractors, how bytes become characters, and the limits that come before any parser."""
