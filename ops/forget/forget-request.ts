import { hash } from "node:crypto";
import { ForgottenPhotos, type ForgottenRule, photoRule, prefixRule, ruleKey } from "#lib/messages/forgotten-photos.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/** Which photos are to be forgotten: what a person asks for, and what a deletion on S3 amounts to. */
export interface ForgetRequest {
  /** URIs, as in the column `path`. */
  readonly photos: readonly string[];
  /** Beginnings of URIs, of which a bucket's name alone is none. */
  readonly prefixes: readonly string[];
  /**
   * Photos that are announced from this time on (ms since the epoch) are others, which may come; null where none may ever
   * come again. A deletion on S3 has the time of its event: whoever puts an object there afterwards means it.
   */
  readonly announcedBeforeMs: number | null;
}

/** @throws usage when nothing is named, or something that is no photo's URI. */
export function requireForgetRequest(request: ForgetRequest): void {
  const { photos, prefixes } = request;
  if (photos.length + prefixes.length === 0) {
    throw new FruitstreamError("usage", "which photos? name them with --photo URI, or with --prefix");
  }
  for (const uri of [...photos, ...prefixes]) {
    if (/^s3:\/\/[^/]+\/.+/s.test(uri) || /^file:\/\/\/.+/s.test(uri)) continue;
    const wanted = "must be like s3://bucket/key, or file:///path for photos of `local`";
    throw new FruitstreamError("usage", `a photo to be forgotten ${wanted}, got "${uri}"`);
  }
}

export function rulesOf({ photos, prefixes, announcedBeforeMs }: ForgetRequest): ForgottenRule[] {
  const rules = [
    ...photos.map((uri) => photoRule(uri, announcedBeforeMs)),
    ...prefixes.map((prefix) => prefixRule(prefix, announcedBeforeMs)),
  ];
  // Named twice it is one.
  return new ForgottenPhotos(rules).rules;
}

/** Names the request for good, without naming a photo: asked again it is the same receipt. */
export function receiptIdOf(rules: readonly ForgottenRule[]): string {
  const texts = rules.map((rule) => `${ruleKey(rule)} ${rule.announcedBeforeMs}`).sort();
  return hash("sha256", texts.join("\n")).slice(0, 16);
}
