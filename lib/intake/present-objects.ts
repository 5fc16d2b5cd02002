import type { RetryHooks } from "#lib/runtime/retry.ts";
import type { ObjectStore, ObjectSummary } from "#lib/store/object-store.ts";
import { compareKeys } from "#lib/store/object-store.ts";
import { RETRY_POLICY } from "./announce-photo.ts";
import { listObjects } from "./list-photos.ts";

/** Keys passed over before the listing begins anew near the wanted one: a page's worth, about what a request gives. */
const PASSED_MAX = 1000;

/**
 * Looks up objects of a prefix by listing it: one request answers for up to a thousand keys, where HEAD would ask for
 * each, and never more requests than keys are made. Holds one page. An object is seen as it was when its page was read.
 */
export class PresentObjects {
  readonly #store: ObjectStore;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #hooks: RetryHooks;
  #objects: AsyncGenerator<ObjectSummary> | undefined;
  #next: ObjectSummary | undefined;

  constructor(store: ObjectStore, bucket: string, prefix: string, hooks: RetryHooks) {
    this.#store = store;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#hooks = hooks;
  }

  /**
   * The object under the key, or undefined when there is none. Keys must be asked for one after the other and in
   * ascending order, each of them beginning with the prefix.
   *
   * @throws as `listObjects` does.
   */
  async find(key: string): Promise<ObjectSummary | undefined> {
    if (!this.#objects) await this.#listAfter(undefined);
    for (let passed = 0; this.#next && compareKeys(this.#next.key, key) < 0; passed++) {
      if (passed === PASSED_MAX) await this.#listAfter(keyBefore(key, this.#next.key));
      else await this.#advance();
    }
    return this.#next?.key === key ? this.#next : undefined;
  }

  async #listAfter(startAfter: string | undefined): Promise<void> {
    const listing = { bucket: this.#bucket, prefix: this.#prefix, startAfter };
    this.#objects = listObjects(this.#store, listing, RETRY_POLICY, this.#hooks);
    await this.#advance();
  }

  async #advance(): Promise<void> {
    const { done, value } = await this.#objects!.next();
    this.#next = done ? undefined : value;
  }
}

/** A place in the order close before the key, and not before the one that was passed. */
function keyBefore(key: string, passed: string): string {
  const shorter = [...key].slice(0, -1).join("");
  return compareKeys(shorter, passed) < 0 ? passed : shorter;
}
