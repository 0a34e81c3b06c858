"""The only rooms that know a framework or another counter; each loads it in the body of the function that needs it."""
