"""Measurements of the whole product: `bin/bench NAME`. Each gives rows of figures; `__main__` prints them."""
