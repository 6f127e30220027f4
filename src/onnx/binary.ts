import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { configureTextEncoding } from '@bufbuild/protobuf/wire';
import { type ModelProto, ModelProtoSchema } from './proto/onnx_pb.js';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A byte that belongs to no UTF-8 sequence, as the lone surrogate that Python's `surrogateescape` gives it. */
const escaped = 0xdc00;

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Length of the UTF-8 sequence that begins at `at`, 0 where none does (RFC 3629, section 4). */
const sequenceLength = (bytes: Uint8Array, at: number): number => {
  const [lead = 0, second = 0] = [bytes[at], bytes[at + 1]];
  if (lead < 0x80) return 1;
  const length = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  for (let next = 1; next < length; next++) if (!isContinuation(bytes[at + next])) return 0;
  const overlong = (lead === 0xe0 && second < 0xa0) || (lead === 0xf0 && second < 0x90);
  const beyond = (lead === 0xed && second > 0x9f) || (lead === 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : length;
};

const decodeText = (bytes: Uint8Array): string => {
  try {
    return strict.decode(bytes);
  } catch {
    const parts: string[] = [];
    let sound = 0;
    for (let at = 0; at < bytes.length; ) {
      const length = sequenceLength(bytes, at);
      at += Math.max(1, length);
      if (length > 0) continue;
      parts.push(strict.decode(bytes.subarray(sound, at - 1)), String.fromCharCode(escaped + (bytes[at - 1] ?? 0)));
      sound = at;
    }
    return [...parts, strict.decode(bytes.subarray(sound))].join('');
  }
};

const encodeText = (text: string): Uint8Array<ArrayBuffer> => {
  if (text.isWellFormed()) return encoder.encode(text);
  const bytes: number[] = [];
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    if (code >= escaped + 0x80 && code <= escaped + 0xff) bytes.push(code - escaped);
    else for (const byte of encoder.encode(letter)) bytes.push(byte);
  }
  return Uint8Array.from(bytes);
};

// ONNX Runtime takes names as bytes. A decoder that replaces what is no UTF-8 makes one name of two.
configureTextEncoding({ decodeUtf8: decodeText, encodeUtf8: encodeText, checkUtf8: (text) => text.isWellFormed() });

/** The message in the bytes of an ONNX file. Names that are not UTF-8 stay apart. Throws what protobuf throws. */
export const decodeModel = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, bytes);

/** The bytes of an ONNX file: names, unknown fields and unset fields as `decodeModel` found them. */
export const encodeModel = (proto: ModelProto): Uint8Array => toBinary(ModelProtoSchema, proto);
