/** What every command's exit code means; an interrupted one ends as shells report it, with 130 or 143. */
export const EXIT = {
  /** All is well: every photo is a row, everything that was asked for is done. */
  done: 0,
  /** It could not be done, or not all of it. */
  failed: 1,
  /** The command was not understood: options, arguments, or what they name. */
  usage: 2,
  /** It is done, and some photos are dead letters instead of rows. */
  deadLetters: 3,
  /** It is done, and it has found what it was looking for: a table that is damaged, a photo that is not gone. */
  found: 4,
} as const;
