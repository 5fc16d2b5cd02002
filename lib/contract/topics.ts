/** The names of the project's topics. A prefix keeps several installations, or several demos, apart on one cluster. */
export interface Topics {
  readonly photos: string;
  readonly features: string;
  readonly deadLetters: string;
}

export function topicsWithPrefix(prefix: string): Topics {
  return {
    photos: `${prefix}photos`,
    features: `${prefix}features`,
    deadLetters: `${prefix}photos.dead-letters`,
  };
}
