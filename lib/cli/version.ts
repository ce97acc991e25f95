/** What box and box-runtime say of themselves. */
export const VERSION = '0.1.0';

/** Of the OCI runtime specification. */
export const RUNTIME_SPEC = '1.2.0';
