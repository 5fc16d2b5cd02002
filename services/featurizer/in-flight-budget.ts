/**
 * The backpressure of the featurizer: photos are admitted while both their number and their bytes stay within bounds,
 * and wait otherwise, in the order of their arrival within each share.
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
   * A part of the budget for one partition, which may hold twice what is still free and no more: so a partition that
   * stands still, because nobody takes its vectors or S3 keeps back its next photo, leaves the others something to work
   * with, however many do (dynamic thresholds: Choudhury & Hahne, IEEE/ACM Trans. Networking 6(2), 1998).
   */
  share(): BudgetShare {
    const share: Holding = { photos: 0, bytes: 0 };
    return {
      acquire: async (bytes) => {
        if (this.#waiting.every((other) => other.share !== share) && this.#fits(share, bytes)) {
          this.#admit(share, bytes);
          return;
        }
        await new Promise<void>((admit) => this.#waiting.push({ share, bytes, admit }));
      },
      release: (bytes) => {
        this.#photos -= 1;
        this.#bytes -= bytes;
        share.photos -= 1;
        share.bytes -= bytes;
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
    this.#waiting = this.#waiting.filter(({ share, bytes, admit }) => {
      if (refused.has(share) || !this.#fits(share, bytes)) {
        refused.add(share);
        return true;
      }
      this.#admit(share, bytes);
      admit();
      return false;
    });
  }

  /** A photo that is larger than the whole budget is admitted alone. */
  #fits(share: Holding, bytes: number): boolean {
    if (this.#photos === 0) return true;
    if (this.#photos >= this.#photosMax || this.#bytes + bytes > this.#bytesMax) return false;
    const free = { photos: this.#photosMax - this.#photos, bytes: this.#bytesMax - this.#bytes };
    const isBelow = share.photos < SHARE_OF_FREE_MAX * free.photos && share.bytes < SHARE_OF_FREE_MAX * free.bytes;
    return share.photos === 0 || isBelow;
  }

  #admit(share: Holding, bytes: number): void {
    this.#photos += 1;
    this.#bytes += bytes;
    share.photos += 1;
    share.bytes += bytes;
  }
}

/** One busy partition alone gets two thirds of the budget, two get two fifths each. */
const SHARE_OF_FREE_MAX = 2;

export interface BudgetShare {
  /** Resolves once the photo is admitted. Every admission is matched by one `release` of the same bytes. */
  acquire(bytes: number): Promise<void>;
  release(bytes: number): void;
}

interface Holding {
  photos: number;
  bytes: number;
}
