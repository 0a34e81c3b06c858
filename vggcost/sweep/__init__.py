"""A space of networks, evaluated: which points it has, what each costs, which are kept."""
