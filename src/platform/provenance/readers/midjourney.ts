import { type Finding, Findings } from '../finding.ts';
import { type Carrier, under } from '../reader.ts';

const READER = 'midjourney';
const JOB = /\bJob ID:\s*([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b/i;

/** Midjourney's web download: "<prompt> --ar 2:3 --v 6 Job ID: <uuid>" as description. Links in it are source pictures. */
export function readMidjourney(carrier: Carrier): Finding[] {
  return under(carrier, 'Description', 'ImageDescription', 'dc:description').flatMap(({ text, where }) => {
    const job = text.length > 50_000 ? null : JOB.exec(text);
    if (job === null) return [];
    const command = text.slice(0, job.index).trim();
    const flagsAt = command.search(/\s--[a-z]/i);
    const flags = flagsAt < 0 ? '' : command.slice(flagsAt);
    const words = (flagsAt < 0 ? command : command.slice(0, flagsAt)).split(/\s+/);
    const links = command.split(/\s+/).filter((word) => /^https?:\/\//.test(word));
    const [author] = under(carrier, 'Author', 'Artist');
    const version = /--(v|niji)\s+([\d.]+)/.exec(flags);
    const findings = new Findings(READER, where)
      .add('generator', 'Midjourney')
      .add(
        'model',
        version === null ? undefined : `${version[1] === 'niji' ? 'Niji' : 'Midjourney'} ${version[2]}`,
      )
      .add('prompt', words.filter((word) => !/^https?:\/\//.test(word)).join(' '))
      .add('negative-prompt', /--no\s+(.+?)(?=\s--|$)/.exec(flags)?.[1])
      .add('seed', /--seed\s+(\d{1,20})/.exec(flags)?.[1])
      .addAll('source', links);
    if (author !== undefined) findings.add('author', author.text, { where: author.where });
    return findings.list;
  });
}
