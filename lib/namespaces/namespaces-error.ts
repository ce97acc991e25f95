/** Namespaces that were asked for in a way that would give away more than it seems. */
export class NamespacesError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NamespacesError';
  }
}
