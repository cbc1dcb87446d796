"""Evidence to marks: pure functions, Decimals only."""
