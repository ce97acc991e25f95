/**
 * Facts that are looked up when somebody reads them, and once only: what they cost is a program that
 * is asked, and most who ask want few of them.
 */

/** Reads like plain data: to JSON, to spreading and to comparisons its properties are values. */
export function lazily<Facts extends object>(
  lookUps: {
    readonly [Name in keyof Facts]: () => Facts[Name];
  },
): Facts {
  const facts = {};
  for (const [name, lookUp] of Object.entries<() => unknown>(lookUps)) {
    Object.defineProperty(facts, name, {
      enumerable: true,
      configurable: true,
      get: () => {
        const value = lookUp();
        Object.defineProperty(facts, name, { value });
        return value;
      },
    });
  }
  return facts as Facts;
}
