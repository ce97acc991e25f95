/**
 * Sizes, ages and ids as Docker prints them.
 *
 * github.com/docker/go-units, size.go and duration.go
 */
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** In powers of 1000, with `digits` significant ones: `1.24MB`. */
export function formatSize(bytes: number, digits = 3): string {
  let value = bytes;
  let unit = 0;
  // What would be shown as 1000 is 1 of the next.
  while (Number(value.toPrecision(digits)) >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${significant(value, digits)}${UNITS[unit]}`;
}

/** Without zeroes at the end. */
const significant = (value: number, digits: number): string =>
  String(Number(value.toPrecision(digits)));

/** How long `milliseconds` are, in the one unit that fits: `About a minute`, `3 weeks`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.round(milliseconds / 3_600_000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  const days = Math.floor(hours / 24);
  if (days < 14) return `${days} days`;
  if (days < 60) return `${Math.floor(days / 7)} weeks`;
  if (days < 730) return `${Math.floor(days / 30)} months`;
  return `${Math.floor(milliseconds / 3_600_000 / 24 / 365)} years`;
}

/** `2 hours ago`; N/A for an image that does not say when it was made. */
export function formatSince(time: string | null, now = Date.now()): string {
  const then = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(then) ? 'N/A' : `${formatAge(now - then)} ago`;
}

/** Local time with its zone, as Go prints one: `2026-01-02 15:04:05 +0100 CET`. */
export function formatTime(time: string | null): string {
  const date = new Date(time ?? Number.NaN);
  if (Number.isNaN(date.getTime())) return 'N/A';
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  const offset = -date.getTimezoneOffset();
  const [sign, minutes] = [offset < 0 ? '-' : '+', Math.abs(offset)];
  const zone = `${sign}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
  const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(date);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return `${day} ${clock} ${zone} ${name}`.trimEnd();
}

/** Twelve digits of a digest or of an id. */
export const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

/** At most `width` characters, the last of which says that there were more. */
export function shorten(text: string, width: number): string {
  const characters = [...text];
  return characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : text;
}
