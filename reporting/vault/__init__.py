"""Sealing, keeping, opening. No models of ours, no requests; README.md is the format."""
