/**
 * As much of the DNS as one server with one name needs: the question of a query, and a response
 * with one address, with none, or that there is no such name.
 *
 *   header 12 bytes │ question: labels 0 │ type │ class │ answer: pointer │ type │ class │ ttl …
 *
 * RFC 1035, section 4
 */
const HEADER = 12;
const TYPE_A = 1;
const CLASS_IN = 1;
const NXDOMAIN = 3;
/** Response, authoritative; the query's "recursion desired" is given back. */
const QR_AA = 0x8400;
const RD = 0x0100;
/** A name that stands at offset 12 already. */
const POINTER = 0xc000 | HEADER;

export interface Question {
  /** In lower case, without the last dot. */
  name: string;
  type: number;
  /** Offset of the byte behind it. */
  end: number;
}

/** The first question; null for what is no query or is cut off. */
export function readQuestion(message: Buffer): Question | null {
  if (message.length < HEADER || message.readUInt16BE(4) < 1) return null;
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return null;
    at += 1;
    if (length === 0) break;
    labels.push(message.toString('latin1', at, at + length));
    at += length;
  }
  if (at + 4 > message.length) return null;
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at), end: at + 4 };
}

/** The response to `query`. `address` is what the name has, IPv4; null: there is no such name. */
export function answer(query: Buffer, question: Question, address: string | null): Buffer {
  const asked = query.subarray(HEADER, question.end);
  const answers = address !== null && question.type === TYPE_A ? [record(address)] : [];
  const header = Buffer.alloc(HEADER);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(QR_AA | (query.readUInt16BE(2) & RD) | (address === null ? NXDOMAIN : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, asked, ...answers]);
}

function record(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(POINTER, 0);
  bytes.writeUInt16BE(TYPE_A, 2);
  bytes.writeUInt16BE(CLASS_IN, 4);
  bytes.writeUInt32BE(60, 6);
  bytes.writeUInt16BE(4, 10);
  bytes.set(address.split('.').map(Number), 12);
  return bytes;
}
