import { hash } from "node:crypto";

/**
 * What says that photos are not to come back: one photo by its URI, or all whose URI begins with a prefix. It holds
 * hashes alone, so that the list of what is forgotten names nobody; whoever has a URI can ask whether it is on the list.
 */
export interface ForgottenRule {
  readonly kind: "photo" | "prefix";
  /** Of the URI or the prefix, in UTF-16 code units. */
  readonly length: number;
  /** SHA-256 in hexadecimal digits. */
  readonly hash: string;
  /** Photos announced before this time, in ms since the epoch; null for those that come later, too. */
  readonly announcedBeforeMs: number | null;
}

/** A rule for this photo. @param uri as in the column `path`. */
export function photoRule(uri: string, announcedBeforeMs: number | null): ForgottenRule {
  return { kind: "photo", length: uri.length, hash: hashOf("photo", uri), announcedBeforeMs };
}

/** A rule for all photos whose URI begins so. */
export function prefixRule(prefix: string, announcedBeforeMs: number | null): ForgottenRule {
  return { kind: "prefix", length: prefix.length, hash: hashOf("prefix", prefix), announcedBeforeMs };
}

/** What a rule is about, whatever its time: rules of one key replace each other. */
export function ruleKey({ kind, length, hash }: ForgottenRule): string {
  return `${kind}:${length}:${hash}`;
}

/** Of two rules of one key the one that leaves fewer photos. */
export function stricter(a: ForgottenRule, b: ForgottenRule): ForgottenRule {
  if (a.announcedBeforeMs === null || b.announcedBeforeMs === null) return { ...a, announcedBeforeMs: null };
  return a.announcedBeforeMs >= b.announcedBeforeMs ? a : b;
}

/**
 * A set of rules. Asking costs one SHA-256, and one more for each length of a prefix that there is; nothing where there
 * are no rules. Memory: about 250 bytes a rule.
 */
export class ForgottenPhotos {
  readonly #rules = new Map<string, ForgottenRule>();
  readonly #prefixLengths = new Set<number>();

  constructor(rules: Iterable<ForgottenRule> = []) {
    for (const rule of rules) this.add(rule);
  }

  get rules(): ForgottenRule[] {
    return [...this.#rules.values()];
  }

  /** One of a key that is there takes nothing back. */
  add(rule: ForgottenRule): void {
    const key = ruleKey(rule);
    const known = this.#rules.get(key);
    this.#rules.set(key, known ? stricter(known, rule) : rule);
    if (rule.kind === "prefix") this.#prefixLengths.add(rule.length);
  }

  /** Whether the photo is to be nowhere, if it was announced at this time. */
  has(uri: string, announcedAtMs: number): boolean {
    if (this.#rules.size === 0) return false;
    if (this.#holds(photoRule(uri, null), announcedAtMs)) return true;
    for (const length of this.#prefixLengths) {
      if (length <= uri.length && this.#holds(prefixRule(uri.slice(0, length), null), announcedAtMs)) return true;
    }
    return false;
  }

  #holds(asked: ForgottenRule, announcedAtMs: number): boolean {
    const rule = this.#rules.get(ruleKey(asked));
    if (rule === undefined) return false;
    return rule.announcedBeforeMs === null || announcedAtMs < rule.announcedBeforeMs;
  }
}

/** The kinds have hashes of their own: a photo's says nothing of a prefix that reads alike. */
function hashOf(kind: ForgottenRule["kind"], text: string): string {
  return hash("sha256", `fruitstream forgotten ${kind} ${text}`);
}
