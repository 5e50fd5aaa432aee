"""One module for each heavy package; the package is imported when the function that needs it is called."""
