/**
 * What Python's `json.dumps(json.loads(text))` would write, byte for byte. NovelAI signs those bytes, and a JavaScript
 * round trip would lose them: it turns 5.0 into 5, reorders keys that look like numbers and rounds long integers.
 */

type Node =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'array'; readonly items: readonly Node[] }
  | { readonly kind: 'object'; readonly members: Map<string, Node> };

const MAX_DEPTH = 100;
const NUMBER = /(-?(?:0|[1-9]\d*))(\.\d+)?([eE][-+]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/sy;
const LITERALS: Record<string, string> = {
  true: 'true',
  false: 'false',
  null: 'null',
  NaN: 'NaN',
  Infinity: 'Infinity',
  '-Infinity': '-Infinity',
};
const LITERAL = /-?[A-Za-z]+/y;

/** A JSON object as Python would hold it: keys in order, numbers as written. */
export class PythonObject {
  readonly #members: Map<string, Node>;

  private constructor(members: Map<string, Node>) {
    this.#members = members;
  }

  /** @returns undefined when the text is no JSON object */
  static parse(text: string): PythonObject | undefined {
    try {
      const parser = new Parser(text);
      const node = parser.whole();
      return node.kind === 'object' ? new PythonObject(node.members) : undefined;
    } catch {
      return undefined;
    }
  }

  string(key: string): string | undefined {
    const node = this.#members.get(key);
    return node?.kind === 'string' ? node.value : undefined;
  }

  without(key: string): PythonObject {
    const members = new Map(this.#members);
    members.delete(key);
    return new PythonObject(members);
  }

  /** As `json.dumps` with its defaults: separators ", " and ": ", everything but printable ASCII escaped. */
  dumps(): string {
    return dump({ kind: 'object', members: this.#members });
  }
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Node {
    const node = this.#value(0);
    this.#take(SPACE);
    if (this.#at !== this.#text.length) throw new SyntaxError('text after the value');
    return node;
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }

  #punctuation(wanted: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.#at] !== wanted) return false;
    this.#at++;
    return true;
  }

  #value(depth: number): Node {
    if (depth > MAX_DEPTH) throw new SyntaxError('nested too deeply');
    this.#take(SPACE);
    const next = this.#text[this.#at];
    if (next === '"') return { kind: 'string', value: this.#string() };
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    const number = this.#take(NUMBER);
    if (number !== undefined) return { kind: 'literal', text: pythonNumber(number) };
    const literal = LITERALS[this.#take(LITERAL)?.[0] ?? ''];
    if (literal === undefined) throw new SyntaxError('no value');
    return { kind: 'literal', text: literal };
  }

  #string(): string {
    this.#take(SPACE);
    const match = this.#take(STRING);
    if (match === undefined) throw new SyntaxError('no string');
    return JSON.parse(match[0]) as string;
  }

  #array(depth: number): Node {
    this.#at++;
    const items: Node[] = [];
    if (this.#punctuation(']')) return { kind: 'array', items };
    do items.push(this.#value(depth + 1));
    while (this.#punctuation(','));
    if (!this.#punctuation(']')) throw new SyntaxError('unclosed array');
    return { kind: 'array', items };
  }

  #object(depth: number): Node {
    this.#at++;
    const members = new Map<string, Node>();
    if (this.#punctuation('}')) return { kind: 'object', members };
    do {
      const key = this.#string();
      if (!this.#punctuation(':')) throw new SyntaxError('no colon');
      members.set(key, this.#value(depth + 1));
    } while (this.#punctuation(','));
    if (!this.#punctuation('}')) throw new SyntaxError('unclosed object');
    return { kind: 'object', members };
  }
}

/** Python keeps integers as they are and writes floats as their shortest repr. */
function pythonNumber([whole, integer, fraction, exponent]: RegExpExecArray): string {
  if (fraction === undefined && exponent === undefined) return integer === '-0' ? '0' : integer!;
  const value = Number(whole);
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (Object.is(value, -0)) return '-0.0';
  if (value === 0) return '0.0';
  const [digits, power] = value.toExponential().split('e') as [string, string];
  const magnitude = Number(power);
  if (magnitude < -4 || magnitude >= 16) {
    return `${digits}e${magnitude < 0 ? '-' : '+'}${String(Math.abs(magnitude)).padStart(2, '0')}`;
  }
  const sign = value < 0 ? '-' : '';
  const figures = digits.replace('-', '').replace('.', '');
  if (magnitude < 0) return `${sign}0.${'0'.repeat(-magnitude - 1)}${figures}`;
  const padded = figures.padEnd(magnitude + 2, '0');
  return `${sign}${padded.slice(0, magnitude + 1)}.${padded.slice(magnitude + 1)}`;
}

const ESCAPES: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function dumpString(value: string): string {
  // Without the u flag a character outside the BMP is escaped as its two surrogates, as Python does.
  const escaped = value.replaceAll(
    /["\\]|[^ -~]/g,
    (unit) => ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

function dump(node: Node): string {
  switch (node.kind) {
    case 'literal':
      return node.text;
    case 'string':
      return dumpString(node.value);
    case 'array':
      return `[${node.items.map(dump).join(', ')}]`;
    case 'object':
      return `{${[...node.members].map(([key, value]) => `${dumpString(key)}: ${dump(value)}`).join(', ')}}`;
  }
}
