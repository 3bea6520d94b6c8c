/** How the nodes of a Mermaid drawing look, by GitHub's own colours: fill, border and text. */
export const NODE_STYLES = {
  waiting: 'fill:#f6f8fa,stroke:#818b98,color:#1f2328',
  active: 'fill:#ddf4ff,stroke:#0969da,color:#1f2328',
  good: 'fill:#dafbe1,stroke:#1a7f37,color:#1f2328',
  bad: 'fill:#ffebe9,stroke:#cf222e,color:#1f2328',
  warning: 'fill:#fff8c5,stroke:#9a6700,color:#1f2328',
  faded: 'fill:#f6f8fa,stroke:#818b98,color:#59636e',
} as const;
