"""What is measured of a document; cutting on it is left to rules."""
