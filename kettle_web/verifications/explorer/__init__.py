"""Looking into one build's documents: the chain as a picture, every input with its proof, the evidence byte by byte, and exports."""
