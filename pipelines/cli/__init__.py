"""The command `corpus`. One file a noun; nothing heavy is imported before a verb needs it."""
