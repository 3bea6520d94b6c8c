/** Whether permissions suffice; `a|b` means either. */
export function grants(
  permissions: Readonly<Record<string, string>>,
  wanted: string,
  level: 'read' | 'write',
): boolean {
  return wanted.split('|').some((name) => {
    const granted = name === 'metadata' ? 'read' : permissions[name];
    return granted === 'write' || (granted === 'read' && level === 'read');
  });
}
