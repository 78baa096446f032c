"""Plans as graphs: Graphviz DOT, Mermaid and SVG."""
