package jambic.model.text;

import java.util.SplittableRandom;

/** Short texts of everything that tokenizers treat apart. */
public final class RandomText {
  private static final String[] PARTS = {
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\u00a0",
    "\u2003",
    "\u0085",
    "'",
    "'s",
    "'ll",
    "'re",
    "'T",
    "the",
    " of",
    " And",
    "x",
    "12",
    "½",
    "٣",
    "Ⅻ",
    "!",
    "...",
    "é",
    "e\u0301",
    "ß",
    "я",
    "文",
    "한",
    "🙂",
    "👩\u200d👧",
    "🇫🇷",
    "\u0000",
    "\u001c",
    "\u200b",
    "\ufeff",
    "𝒳",
    "<|endoftext|>"
  };

  private RandomText() {}

  public static String of(SplittableRandom random) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(12); i > 0; i--) {
      if (random.nextInt(4) > 0) {
        text.append(PARTS[random.nextInt(PARTS.length)]);
      } else {
        int c = random.nextInt(random.nextBoolean() ? 0x3000 : Character.MAX_CODE_POINT + 1);
        text.appendCodePoint(Character.getType(c) == Character.SURROGATE ? 'a' : c);
      }
    }
    return text.toString();
  }
}
