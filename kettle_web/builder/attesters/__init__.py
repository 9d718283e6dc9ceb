"""What makes the evidence of a build: `attest` chooses, `simulated` makes any form under a public test root, `kernel` asks the machine."""

WAYS = ("simulated", "auto", "none")
"""`--attest`: simulated; the machine's own where its kernel attests, else simulated; no evidence at all."""
FORMS = ("snp-v3-milan", "snp-v3-genoa", "snp-v5-milan", "snp-v5-genoa", "az-snp", "tdx")
"""`--simulate`: report version and processor generation for bare SEV-SNP; the platform else."""
