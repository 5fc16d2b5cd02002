import assert from "node:assert";

/**
 * The backpressure of the featurizer: photos are admitted while both their number and their bytes stay within bounds,
 * and wait otherwise. Only one that waits for its own share to become smaller is passed by others.
 */
export class InFlightBudget {
  readonly #photosMax: number;
  readonly #bytesMax: number;
  #waiting: { share: Holding; bytes: number; admit: () => void }[] = [];
  #photos = 0;
  #bytes = 0;

  constructor(bounds: { photosMax: number; bytesMax: number }) {
    this.#photosMax = bounds.photosMax;
    this.#bytesMax = bounds.bytesMax;
  }

  /** Bytes admitted and not released. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * A part of the budget for one partition, which gets another photo only while it holds less than is still free: so
   * partitions that stand still, because nobody takes their vectors or S3 keeps back their next photo, leave the others
   * something to work with: with n of them 1/(n + 1) of the budget (dynamic thresholds: Choudhury & Hahne, IEEE/ACM
   * Trans. Networking 6(2), 1998). A partition that holds nothing always gets its first photo when there is room.
   */
  share(): BudgetShare {
    const share: Holding = { photos: 0, bytes: 0 };
    return {
      acquire: (bytes) =>
        new Promise((admit) => {
          this.#waiting.push({ share, bytes, admit });
          this.#admitWaiting();
        }),
      release: (bytes) => {
        this.#photos -= 1;
        this.#bytes -= bytes;
        share.photos -= 1;
        share.bytes -= bytes;
        // A share counts among the whole, so that neither is negative while the share is not.
        assert(share.photos >= 0 && share.bytes >= 0, `${bytes} bytes were released that were not admitted`);
        this.#admitWaiting();
      },
    };
  }

  /** Admits everyone who waits: their partitions were reassigned, and they will find that their lane is abandoned. */
  dissolve(): void {
    for (const { share, bytes, admit } of this.#waiting.splice(0)) {
      this.#admit(share, bytes);
      admit();
    }
  }

  #admitWaiting(): void {
    const refused = new Set<Holding>();
    let isFull = false;
    this.#waiting = this.#waiting.filter(({ share, bytes, admit }) => {
      if (isFull || refused.has(share)) return true;
      if (!this.#isWithinShare(share)) {
        refused.add(share);
        return true;
      }
      // Whoever waits for room is next: smaller photos that went before it would take the room for ever.
      isFull = !this.#hasRoom(bytes);
      if (isFull) return true;
      this.#admit(share, bytes);
      admit();
      return false;
    });
  }

  #isWithinShare(share: Holding): boolean {
    if (share.photos === 0) return true;
    return share.photos < this.#photosMax - this.#photos && share.bytes < this.#bytesMax - this.#bytes;
  }

  /** A photo that is larger than the whole budget is admitted alone. */
  #hasRoom(bytes: number): boolean {
    return this.#photos === 0 || (this.#photos < this.#photosMax && this.#bytes + bytes <= this.#bytesMax);
  }

  #admit(share: Holding, bytes: number): void {
    this.#photos += 1;
    this.#bytes += bytes;
    share.photos += 1;
    share.bytes += bytes;
  }
}

export interface BudgetShare {
  /** Resolves once the photo is admitted. Every admission is matched by one `release` of the same bytes. */
  acquire(bytes: number): Promise<void>;
  release(bytes: number): void;
}

interface Holding {
  photos: number;
  bytes: number;
}
