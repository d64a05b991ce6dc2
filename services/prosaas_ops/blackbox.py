"""`make blackbox`: the flight recorder of a call, from the file of a failed one or from the memory of a live one."""
