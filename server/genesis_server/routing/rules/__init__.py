"""HALO's rulebook: rules as data, compiled once, with the reason for each that fired and each that did not."""
