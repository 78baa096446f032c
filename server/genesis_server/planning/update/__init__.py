"""What happens to a plan after it was made: an event gives the next version, changed as little as can be."""
