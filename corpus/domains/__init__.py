"""Domain2Vec: data sets as profiles over meta-domains."""
