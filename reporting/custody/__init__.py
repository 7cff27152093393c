"""The custody ledger. Imports nothing of ours but the vault's sealing; README.md is the format."""
