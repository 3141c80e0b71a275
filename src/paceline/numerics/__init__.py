"""Pure functions of arrays that know no net: activations, norms, first weights, random numbers made from counters."""
