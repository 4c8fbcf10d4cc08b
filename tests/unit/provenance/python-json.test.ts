import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PythonObject } from '../../../src/platform/provenance/python-json.ts';

// The right-hand side was written by CPython 3.11: json.dumps(json.loads(left)).
describe("as Python's json module writes it", () => {
  test.each([
    [
      '{"a":1.0,"b":1e5,"c":1E-7,"d":100000000000000000000}',
      '{"a": 1.0, "b": 100000.0, "c": 1e-07, "d": 100000000000000000000}',
    ],
    [
      '{"a":1e16,"b":123456789012345680.0,"c":0.0001,"d":0.00001}',
      '{"a": 1e+16, "b": 1.2345678901234568e+17, "c": 0.0001, "d": 1e-05}',
    ],
    ['{"a":-0,"b":-0.0,"c":0e3,"d":-1.50}', '{"a": 0, "b": -0.0, "c": 0.0, "d": -1.5}'],
    [
      '{"a":1e400,"b":-1e400,"c":NaN,"d":-Infinity,"e":5e-324}',
      '{"a": Infinity, "b": -Infinity, "c": NaN, "d": -Infinity, "e": 5e-324}',
    ],
    ['{"10":1,"2":[],"a":{},"2":[ 1 , null ]}', '{"10": 1, "2": [1, null], "a": {}}'],
    [
      '{"a":"\\u00e9\\/\\ud83c\\udf0a\\u007f\\b\\f\\n\\r\\t\\u0001"}',
      '{"a": "\\u00e9/\\ud83c\\udf0a\\u007f\\b\\f\\n\\r\\t\\u0001"}',
    ],
    ['{"a":"é🌊 \\"q\\" \\\\ \\ud800"}', '{"a": "\\u00e9\\ud83c\\udf0a \\"q\\" \\\\ \\ud800"}'],
    [
      '{"a":9999999999999998.0,"b":999999999999999.9,"c":1.7976931348623157e308}',
      '{"a": 9999999999999998.0, "b": 999999999999999.9, "c": 1.7976931348623157e+308}',
    ],
    [' { "a" : true , "b" : false } ', '{"a": true, "b": false}'],
  ])('%s', (text, expected) => {
    expect(PythonObject.parse(text)?.dumps()).toBe(expected);
  });

  test.each([
    '',
    '[]',
    '{"a":1}x',
    '{"a":01}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a" 1}',
    '{a:1}',
    '{"a":"x}',
    '{"a":tru}',
    '{"a":1,}',
  ])('%s is none', (text) => {
    expect(PythonObject.parse(text)).toBeUndefined();
  });

  test('a key taken out leaves the others in their order', () => {
    const object = PythonObject.parse('{"b": 1, "signed_hash": "x", "a": 2}')!;
    expect(object.string('signed_hash')).toBe('x');
    expect(object.without('signed_hash').dumps()).toBe('{"b": 1, "a": 2}');
    expect(object.dumps()).toContain('signed_hash');
  });

  test('what is written means what was read, and writing it again changes nothing', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = JSON.stringify(value);
        const written = PythonObject.parse(text)!.dumps();
        expect(written).toMatch(/^[ -~]*$/);
        expect(JSON.parse(written)).toEqual(JSON.parse(text));
        expect(PythonObject.parse(written)!.dumps()).toBe(written);
      }),
    );
  });
});
