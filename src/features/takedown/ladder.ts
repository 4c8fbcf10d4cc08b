import { z } from 'zod';
import { lazyData } from './data.ts';

/** What a recipient's silence or answer can be that opens the way to the next rung. */
export const UNLOCKS = ['refused', 'no-answer', 'deadline-passed', 'still-there'] as const;
export type Unlock = (typeof UNLOCKS)[number];

/** Both languages of what people read. */
export const sentence = z.object({ ja: z.string(), en: z.string() });

export const rungSchema = z.object({
  id: z.string().regex(/^[a-z][a-z0-9-]*$/),
  label: sentence,
  who: z.string(),
  channel: z.string(),
  /** Forms of notice that belong to this rung. */
  forms: z.array(z.string()),
  /** Whose term counts: the recipient's rule, the user's policy, or nobody's (a court sets its own). */
  clock: z.enum(['recipient', 'policy', 'none']),
  /** What must be known for this rung to make sense; without it a case begins above it, and says so. */
  needs: z.enum(['account']).optional(),
  unlock: z.array(z.enum(UNLOCKS)),
});

const ladderSchema = z.object({
  version: z.int().positive(),
  date: z.iso.date(),
  source: z.string(),
  rungs: z.array(rungSchema).min(1),
});
export type Ladder = z.infer<typeof ladderSchema>;

/** The ladder of graduated escalation that new cases climb. */
export const currentLadder: () => Ladder = lazyData('ladder.yml', ladderSchema);
