import { type ChildProcess, fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { UtsushiError } from '../../errors.ts';
import type { Features } from '../../vision/fingerprint/features.ts';
import type { Depth } from '../../vision/matching/policy.ts';
import { scheduleAsBatch } from '../process/as-batch.ts';
import type { Provenance } from '../provenance/index.ts';
import type {
  EvidenceTask,
  ExamineTask,
  Examined,
  FromChild,
  LookCloserTask,
  OperationName,
  Operations,
  PictureSource,
  RenderTask,
  SimulateTask,
  ToChild,
} from './tasks.ts';

export interface ComputeOptions {
  /** Number of child processes, one job each at a time. */
  readonly size: number;
  /** A job that takes longer loses its child and fails with `compute_timeout`. Milliseconds. */
  readonly timeoutMs: number;
  /** Resident memory at which a child is replaced; while it works, its job fails with `compute_crashed`. MiB. */
  readonly memoryMb: number;
  /** Certificates, PEM, whose C2PA signatures count as verified. */
  readonly trustedPem?: readonly string[];
}

/** How a job is to be done. */
export interface JobOptions {
  /** Someone waits for it: it goes before all that is not urgent. */
  readonly urgent?: boolean;
  /** Nobody wants the answer any more: a job that still waits is dropped, one at work is left to end. */
  readonly signal?: AbortSignal;
}

interface Job {
  readonly operation: OperationName;
  readonly task: PictureSource;
  readonly urgent: boolean;
  readonly resolve: (value: never) => void;
  readonly reject: (error: UtsushiError) => void;
}

interface Child {
  readonly process: ChildProcess;
  job: (Job & { readonly id: number; readonly deadline: NodeJS.Timeout }) | undefined;
  /** Why we killed it, when it was us. */
  doom: UtsushiError | undefined;
}

const PAGE_BYTES = 4096;
const MEMORY_POLL_MS = 250;

/**
 * A pool of child processes for decoding, fingerprinting and reading provenance. Children start when first needed and are replaced when
 * they die; a native crash, a hang or a memory bomb costs exactly the job that caused it.
 */
export class ComputePool implements AsyncDisposable {
  readonly #options: ComputeOptions;
  readonly #children = new Set<Child>();
  /** Urgent ones first, each kind in the order it came. */
  readonly #waiting: Job[] = [];
  #memoryWatch: NodeJS.Timeout | undefined;
  #nextId = 1;
  #closed = false;

  constructor(options: ComputeOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#options.size;
  }

  /** Urgent jobs that wait for a child or have one. */
  get urgentJobs(): number {
    const atWork = [...this.#children].filter((child) => child.job?.urgent === true).length;
    return atWork + this.#waiting.filter((job) => job.urgent).length;
  }

  /** Process ids of the living children. */
  get pids(): number[] {
    return [...this.#children].map((child) => child.process.pid).filter((pid) => pid !== undefined);
  }

  /**
   * Decodes and fingerprints one picture.
   *
   * @throws the signal's reason, when it is aborted before the job is done
   * @throws UtsushiError about the picture (`unsupported_format`, `corrupt_image`, …), or `compute_timeout`,
   *   `compute_crashed`
   */
  examine<D extends Depth>(task: ExamineTask<D>, options: JobOptions = {}): Promise<Examined<D>> {
    return this.#run('examine', task, options) as Promise<Examined<D>>;
  }

  /**
   * The features of an output that was examined at standard depth.
   *
   * @throws as examine
   */
  lookCloser(task: LookCloserTask, options: JobOptions = {}): Promise<Features> {
    return this.#run('lookCloser', task, options);
  }

  /**
   * Reads what a file's bytes say about its generator, also of a file that cannot be decoded.
   *
   * @throws UtsushiError about the file (`file_not_found`, `image_too_large`), or `compute_timeout`, `compute_crashed`
   */
  readProvenance(task: PictureSource): Promise<Provenance> {
    return this.#run('readProvenance', task, {});
  }

  /**
   * Draws a match: see drawEvidence in platform/image.
   *
   * @returns a PNG
   * @throws UtsushiError about either picture, or `compute_timeout`, `compute_crashed`
   */
  drawEvidence(task: EvidenceTask): Promise<Uint8Array> {
    return this.#run('drawEvidence', task, {});
  }

  /**
   * Makes a picture fit to be shown in a browser; somebody waits for it, so it goes before bulk work.
   *
   * @returns a JPEG
   * @throws UtsushiError about the picture, or `compute_timeout`, `compute_crashed`
   */
  render(task: RenderTask): Promise<Uint8Array> {
    return this.#run('render', task, { urgent: true });
  }

  /**
   * Makes a copy of a work by a script: see simulateCopy in platform/image.
   *
   * @throws UtsushiError about the work, or `compute_timeout`, `compute_crashed`
   */
  simulateCopy(task: SimulateTask): Promise<Uint8Array> {
    return this.#run('simulateCopy', task, {});
  }

  #run<N extends OperationName>(
    operation: N,
    task: Parameters<Operations[N]>[0],
    { urgent = false, signal }: JobOptions,
  ): Promise<ReturnType<Operations[N]>> {
    if (this.#closed) return Promise.reject(closedError());
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const job: Job = { operation, task, urgent, resolve, reject };
      const onAbort = () => {
        const at = this.#waiting.indexOf(job);
        if (at !== -1) this.#waiting.splice(at, 1);
        reject(signal!.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const place = urgent ? this.#waiting.findIndex((other) => !other.urgent) : -1;
      this.#waiting.splice(place === -1 ? this.#waiting.length : place, 0, job);
      this.#dispatch();
    });
  }

  /** Starts every child now, so that whoever comes first does not wait for one. */
  warm(): void {
    while (!this.#closed && this.#children.size < this.#options.size) this.#spawn();
  }

  /** Stops every child at once; jobs still running fail with `compute_crashed`. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#memoryWatch);
    for (const job of this.#waiting.splice(0)) job.reject(closedError());
    await Promise.all(
      [...this.#children].map(
        (child) =>
          new Promise<void>((resolve) => {
            // An idle child keeps nothing alive, so a program with nothing else to do would end before its child has.
            child.process.ref();
            child.process.once('exit', () => resolve());
            this.#kill(child, closedError());
          }),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const idle = [...this.#children].find((child) => child.job === undefined && child.doom === undefined);
      const child = idle ?? (this.#children.size < this.#options.size ? this.#spawn() : undefined);
      if (child === undefined) return;
      this.#give(child, this.#waiting.shift()!);
    }
  }

  #give(child: Child, job: Job): void {
    const id = this.#nextId++;
    const deadline = setTimeout(() => {
      this.#kill(child, new UtsushiError('compute_timeout', `no result after ${this.#options.timeoutMs} ms`));
    }, this.#options.timeoutMs);
    child.job = { ...job, id, deadline };
    child.process.ref();
    child.process.channel?.ref();
    // A child that died in between is noticed by its 'exit'; the send error carries nothing more.
    const { operation, task } = job;
    const trustedPem = this.#options.trustedPem ?? [];
    child.process.send({ id, operation, task, trustedPem } satisfies ToChild, () => {});
    this.#memoryWatch ??= setInterval(() => void this.#killTheGreedy(), MEMORY_POLL_MS).unref();
  }

  #spawn(): Child {
    const source = import.meta.url.endsWith('.ts');
    const entry = fileURLToPath(new URL(source ? './child.ts' : './child.js', import.meta.url));
    const process = fork(entry, {
      serialization: 'advanced',
      execArgv: [
        ...(source ? ['--import', 'tsx'] : []),
        // There is a child for every core: helpers of the garbage collector would only take turns from each other.
        '--single-threaded-gc',
        // A child lets go of each picture's pixels itself, see child.ts.
        '--expose-gc',
        '--max-old-space-size=512',
      ],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // One picture at a time wants one thread; more of them cost a little (decision 18).
      env: { ...globalThis.process.env, UV_THREADPOOL_SIZE: '1' },
    });
    if (process.pid !== undefined) void scheduleAsBatch(process.pid);
    const child: Child = { process, job: undefined, doom: undefined };
    this.#children.add(child);
    // Without a job it must not keep a finished program alive.
    process.unref();
    process.channel?.unref();
    process.on('message', (message: FromChild) => this.#settle(child, message));
    process.on('error', () => {});
    process.once('exit', (code, signal) => this.#bury(child, signal ?? `exit code ${code}`));
    return child;
  }

  #settle(child: Child, message: FromChild): void {
    const { job } = child;
    if (job?.id !== message.id) return;
    this.#release(child);
    if ('value' in message) job.resolve(message.value as never);
    else job.reject(new UtsushiError(message.error.code, message.error.message));
    this.#dispatch();
  }

  #bury(child: Child, how: string): void {
    this.#children.delete(child);
    const { job } = child;
    if (job !== undefined) {
      this.#release(child);
      job.reject(child.doom ?? new UtsushiError('compute_crashed', `the compute process died (${how})`));
    }
    if (!this.#closed) this.#dispatch();
  }

  #release(child: Child): void {
    clearTimeout(child.job?.deadline);
    child.job = undefined;
    // An idle child must not keep a finished program alive.
    child.process.unref();
    child.process.channel?.unref();
    if (![...this.#children].some((other) => other.job !== undefined)) {
      clearInterval(this.#memoryWatch);
      this.#memoryWatch = undefined;
    }
  }

  #kill(child: Child, why: UtsushiError): void {
    child.doom = why;
    child.process.kill('SIGKILL');
  }

  /** Native memory is invisible to V8's limits, so it is read from the operating system (Linux; elsewhere a no-op). */
  async #killTheGreedy(): Promise<void> {
    for (const child of this.#children) {
      const statm = await readFile(`/proc/${child.process.pid}/statm`, 'utf8').catch(() => undefined);
      const residentMb = (Number(statm?.split(' ')[1] ?? 0) * PAGE_BYTES) / 2 ** 20;
      if (residentMb > this.#options.memoryMb && child.doom === undefined) {
        this.#kill(
          child,
          new UtsushiError(
            'compute_crashed',
            `used ${Math.round(residentMb)} MiB, more than the cap of ${this.#options.memoryMb}`,
          ),
        );
      }
    }
  }
}

function closedError(): UtsushiError {
  return new UtsushiError('compute_crashed', 'the compute pool was closed before this job was done');
}
