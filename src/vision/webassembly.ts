/** As much of WebAssembly as is used here; Node's type declarations leave it out. */
interface Engine {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
  readonly Memory: new (size: { initial: number; maximum?: number; shared?: boolean }) => WasmMemory;
}

export interface WasmModule {
  readonly [wasmModule]: never;
}
declare const wasmModule: unique symbol;

export interface WasmMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
}

const engine = (globalThis as unknown as { WebAssembly?: Engine }).WebAssembly;

/** Bytes of a page of memory. */
const WASM_PAGE = 65_536;

/** The module, or null where WebAssembly is switched off or lacks what the module needs (SIMD). */
export function compileWasm(base64: string): WasmModule | null {
  const bytes = Buffer.from(base64, 'base64');
  return engine?.validate(bytes) === true ? new engine.Module(bytes) : null;
}

/**
 * The functions of a module working in this memory; the caller knows their types.
 *
 * @param imports what the module calls, by the file that declares it and by name
 */
export function instantiateWasm(module: WasmModule, memory: WasmMemory, imports: object = {}): unknown {
  return new engine!.Instance(module, { env: { memory }, ...imports }).exports;
}

/** Zeroed memory. */
export function wasmMemory(bytes: number): WasmMemory {
  return new engine!.Memory({ initial: Math.ceil(bytes / WASM_PAGE) });
}

/** Zeroed memory that can be shared between threads. */
export function sharedWasmMemory(bytes: number): WasmMemory {
  const pages = Math.ceil(bytes / WASM_PAGE);
  return new engine!.Memory({ initial: pages, maximum: 65_536, shared: true });
}
