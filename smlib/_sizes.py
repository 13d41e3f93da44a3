"""How much is processed at a time. The tests make these sizes small.

BLOCK, SCRATCH and PIECE are bytes of logits. The results of a row may depend on its own length and dtype
and on SCRATCH, PIECE, RUN and SHORT, but on nothing else here.
"""

import numpy as np

# A block: logits and results stay in cache from one pass to the next. With a quarter of this size, the
# overhead of the blocks adds 10 to 30 % to the time.
BLOCK = 2**20

# The same, where the exponentials need a buffer of their own. Longer rows are cut into pieces of this size.
SCRATCH = 2**19

# Largest number of rows in a block: sums and costs of the rows take memory too.
ROWS = 2048

# What is processed with a shift at a time.
PIECE = 2**17

# Rows are added in runs of at least this length and less than twice this length. One product with ones
# adds a run.
RUN = {np.dtype(np.float32): 256, np.dtype(np.float64): 64}

# Shorter rows are divided by their sum. Longer ones are multiplied by its reciprocal, which is faster.
SHORT = 128

# Largest number of entries of a small array, for which the overhead of a call outweighs the work.
SMALL = 4096
