import { type ReactNode, createContext, use, useCallback, useEffect, useMemo, useState } from 'react';
import { en } from './en.ts';
import { type Messages, ja } from './ja.ts';

export type Language = 'ja' | 'en';
const MESSAGES: Record<Language, Messages> = { ja, en };
const STORED = 'utsushi-language';

interface Locale {
  readonly language: Language;
  readonly setLanguage: (language: Language) => void;
  readonly t: Messages;
}

const LocaleContext = createContext<Locale | undefined>(undefined);

export function LocaleProvider({ children }: { children: ReactNode }) {
  const [language, choose] = useState<Language>(initialLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const setLanguage = useCallback((chosen: Language) => {
    localStorage.setItem(STORED, chosen);
    choose(chosen);
  }, []);
  const value = useMemo(() => ({ language, setLanguage, t: MESSAGES[language] }), [language, setLanguage]);
  return <LocaleContext value={value}>{children}</LocaleContext>;
}

/** What was chosen here before, else Japanese unless the browser asks for English and not for Japanese. */
function initialLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === 'ja' || stored === 'en') return stored;
  const wanted = navigator.languages.find((each) => /^(ja|en)\b/.test(each));
  return wanted?.startsWith('en') === true ? 'en' : 'ja';
}

export function useLocale(): Locale {
  const locale = use(LocaleContext);
  if (locale === undefined) throw new Error('LocaleProvider is missing');
  return locale;
}

/** The words of the interface in the reader's language. */
export const useText = (): Messages => useLocale().t;

/** What the server wrote in both languages. */
export interface Sentence {
  readonly ja: string;
  readonly en: string;
}
