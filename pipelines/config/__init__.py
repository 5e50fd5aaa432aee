"""Build files: what they may say (`schema`) and how one becomes operators (`load`)."""
