"""Three small primitives that every repository is written on, and the engines that implement them."""
