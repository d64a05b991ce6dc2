"""Each module: `check(data)` returns for every input, or raises what is wrong; `SEEDS` are inputs to begin with."""
