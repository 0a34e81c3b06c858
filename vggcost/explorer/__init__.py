"""The page in which the formulas run: sympy expressions as JavaScript over BigInt, and what surrounds them."""
