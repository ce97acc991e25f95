/**
 * Numbers of a configuration as the kernel reads them. JSON has larger ones than it can count: there
 * they mean that there is no limit, as 2^64 - 1 does with engines that have no other word for it.
 */

/** One more than the largest number of bytes. */
const TOO_MANY = 2 ** 63;

/** All of its digits, where String would round, or write 1e21. */
export const digits = (value: number): string => BigInt(value).toString();

/** `none` is how the file says that there is no limit. */
export const limitText = (value: number, none: string): string =>
  value < 0 || value >= TOO_MANY ? none : digits(value);
