package jambic.model.sentencepiece;

import jambic.model.sentencepiece.CharacterMap.Match;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Brings a text into the form in which pieces are looked for, as SentencePiece does. */
final class Normalizer {
  /** Stands for a space in pieces. */
  static final String SPACE = "\u2581";

  private static final byte[] SPACE_BYTES = SPACE.getBytes(StandardCharsets.UTF_8);

  private final CharacterMap map;
  private final PieceTrie kept;
  private final Rules rules;
  private final byte[] space;

  /**
   * Makes a normalizer.
   *
   * @param map what characters become
   * @param kept strings that stay as they are
   * @param rules what becomes of white space
   */
  Normalizer(CharacterMap map, PieceTrie kept, Rules rules) {
    this.map = map;
    this.kept = kept;
    this.rules = rules;
    this.space = rules.escapeSpaces ? SPACE_BYTES : new byte[] {' '};
  }

  /**
   * What becomes of white space.
   *
   * @param addSpace whether a space is put before the text
   * @param atEnd whether it is put behind the text instead
   * @param removeExtraSpaces whether spaces at the ends go, and all but one elsewhere
   * @param escapeSpaces whether spaces become U+2581
   */
  record Rules(boolean addSpace, boolean atEnd, boolean removeExtraSpaces, boolean escapeSpaces) {}

  /** Normalizes a text. */
  String normalize(String text) {
    byte[] in = text.getBytes(StandardCharsets.UTF_8);
    int begin = rules.removeExtraSpaces ? skipSpaces(in) : 0;
    if (begin == in.length) {
      return "";
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(in.length + in.length / 4 + 8);
    if (rules.addSpace && !rules.atEnd) {
      out.writeBytes(space);
    }
    boolean afterSpace = rules.removeExtraSpaces;
    for (int i = begin; i < in.length; ) {
      Match match = match(in, i);
      i += match.taken();
      int from = match.begin();
      while (afterSpace && from < match.end() && match.bytes()[from] == ' ') {
        from++;
      }
      if (from < match.end()) {
        write(out, match.bytes(), from, match.end());
        afterSpace = rules.removeExtraSpaces && match.bytes()[match.end() - 1] == ' ';
      }
    }
    byte[] normal = rules.removeExtraSpaces ? withoutSpacesAtEnd(out) : out.toByteArray();
    String result = new String(normal, StandardCharsets.UTF_8);
    return rules.addSpace && rules.atEnd
        ? result + new String(space, StandardCharsets.UTF_8)
        : result;
  }

  /** What stands at a place: a string that stays, one of the map, or one character. */
  private Match match(byte[] in, int at) {
    int whole = kept.longest(in, at);
    if (whole == 0) {
      Match mapped = map.longest(in, at);
      if (mapped.taken() > 0) {
        return mapped;
      }
      whole = Math.min(Utf8.length(in[at]), in.length - at);
    }
    return new Match(whole, in, at, at + whole);
  }

  private int skipSpaces(byte[] in) {
    int i = 0;
    while (i < in.length) {
      Match match = match(in, i);
      if (match.end() - match.begin() != 1 || match.bytes()[match.begin()] != ' ') {
        break;
      }
      i += match.taken();
    }
    return i;
  }

  private void write(ByteArrayOutputStream out, byte[] bytes, int begin, int end) {
    for (int i = begin; i < end; i++) {
      if (bytes[i] == ' ') {
        out.writeBytes(space);
      } else {
        out.write(bytes[i]);
      }
    }
  }

  /** Takes away U+2581 too that stood in the text, and the space that was put before it. */
  private byte[] withoutSpacesAtEnd(ByteArrayOutputStream out) {
    byte[] bytes = out.toByteArray();
    int end = bytes.length;
    while (end >= space.length
        && Arrays.equals(bytes, end - space.length, end, space, 0, space.length)) {
      end -= space.length;
    }
    return Arrays.copyOf(bytes, end);
  }
}
