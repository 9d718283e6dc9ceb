"""What makes the evidence of a build. Only `simulated` so far: byte-correct, under a public test root, of no worth as a proof."""
