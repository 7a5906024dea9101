// Emoji: which texts consist of them, and how they are drawn.

/** An old symbol such as the heart asks for its emoji form. */
export function coloured(emoji) {
  return emoji.length === 1 ? `${emoji}\uFE0F` : emoji;
}

/** One to three emoji and nothing else. */
export function isFewEmoji(text) {
  return /^(\p{Extended_Pictographic}|\p{Emoji_Modifier}|\uFE0F|\u200D|\s){1,12}$/u.test(text) && [...text].filter((c) => /\p{Extended_Pictographic}/u.test(c)).length <= 3;
}
