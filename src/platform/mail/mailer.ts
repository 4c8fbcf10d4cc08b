import type { Transporter } from 'nodemailer';
import { UtsushiError } from '../../errors.ts';

export interface MailSettings {
  /** `smtp://user:password@host:587` or `smtps://…`. */
  readonly url: string;
  /** The sender's address, with or without a name. */
  readonly from: string;
  /** Longest silence of the server. Milliseconds. */
  readonly timeoutMs: number;
}

export interface Mail {
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Mail programs show a message of the same id once. */
  readonly messageId: string;
  /** Pictures that the HTML refers to as `cid:ID`. */
  readonly pictures: readonly { readonly cid: string; readonly jpeg: Uint8Array }[];
}

/** Sends mail through the administrator's SMTP server. */
export class Mailer {
  readonly #settings: MailSettings;

  constructor(settings: MailSettings) {
    this.#settings = settings;
  }

  /** @throws UtsushiError `mail_failed` when the server cannot be reached or takes no recipient */
  async send(mail: Mail): Promise<void> {
    const transport = await connect(this.#settings);
    try {
      await transport.sendMail({
        from: this.#settings.from,
        to: [...mail.to],
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        messageId: `<${mail.messageId}@utsushi.invalid>`,
        // So that no out-of-office answers come back.
        headers: { 'Auto-Submitted': 'auto-generated' },
        attachments: mail.pictures.map(({ cid, jpeg }) => ({
          cid,
          filename: `${cid}.jpg`,
          content: Buffer.from(jpeg),
          contentType: 'image/jpeg',
        })),
        // Texts come from the web: nothing in them may name a file or an address to load.
        disableFileAccess: true,
        disableUrlAccess: true,
      });
    } catch (cause) {
      throw new UtsushiError('mail_failed', cause instanceof Error ? cause.message : String(cause), {
        cause,
      });
    } finally {
      transport.close();
    }
  }
}

/** Loaded on demand: most processes send no mail. */
async function connect({ url, timeoutMs }: MailSettings): Promise<Transporter> {
  const { createTransport } = await import('nodemailer');
  return createTransport({
    url,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  });
}
