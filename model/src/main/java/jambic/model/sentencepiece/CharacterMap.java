package jambic.model.sentencepiece;

import jambic.model.sentencepiece.ProtobufReader.DamagedException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What strings of characters become before pieces are looked for: a double-array trie as Darts
 * (darts-clone) makes it, whose values are offsets into a list of replacements, each with a zero
 * byte behind it.
 *
 * <p>A unit of the trie is the label of the step to it in the bits 0 to 7, and an offset whose
 * exclusive or with the unit's own index is where its children begin; the one at label 0 is a value
 * if bit 8 is set, and values have bit 31 set.
 */
final class CharacterMap {
  /** Changes nothing. */
  static final CharacterMap NONE = new CharacterMap(new int[0], new byte[0]);

  private static final int VALUE = 1 << 31;
  private static final int LABEL = VALUE | 0xff;

  private final int[] units;
  private final byte[] replacements;

  private CharacterMap(int[] units, byte[] replacements) {
    this.units = units;
    this.replacements = replacements;
  }

  /** What is taken from a text, and what stands there instead: a part of some bytes. */
  record Match(int taken, byte[] bytes, int begin, int end) {}

  /**
   * Reads a map and checks that no search can leave it.
   *
   * @param stored the number of bytes of the trie, the trie, the replacements
   */
  static CharacterMap of(ByteBuffer stored) throws DamagedException {
    if (!stored.hasRemaining()) {
      return NONE;
    }
    ByteBuffer in = stored.slice().order(ByteOrder.LITTLE_ENDIAN);
    int bytes = in.remaining() < Integer.BYTES ? -1 : in.getInt();
    if (bytes <= 0 || bytes >= in.remaining() || bytes % Integer.BYTES != 0) {
      throw damaged();
    }
    int[] units = new int[bytes / Integer.BYTES];
    in.asIntBuffer().get(units);
    byte[] replacements = new byte[in.remaining() - bytes];
    in.get(in.position() + bytes, replacements);
    CharacterMap map = new CharacterMap(units, replacements);
    map.check();
    return map;
  }

  private static DamagedException damaged() {
    return new DamagedException("the map of its characters is damaged");
  }

  private void check() throws DamagedException {
    if (replacements[replacements.length - 1] != 0) {
      throw damaged();
    }
    for (int i = 0; i < units.length; i++) {
      int unit = units[i];
      int children = i ^ offset(unit);
      boolean sound =
          (unit & VALUE) != 0
              ? (unit ^ VALUE) < replacements.length
              : (children | 0xff) < units.length
                  && (!hasValue(unit) || (units[children] & VALUE) != 0);
      if (!sound) {
        throw damaged();
      }
    }
  }

  private static int offset(int unit) {
    return unit >>> 10 << ((unit & 1 << 9) >>> 6);
  }

  private static boolean hasValue(int unit) {
    return (unit & 1 << 8) != 0;
  }

  /** Finds the longest string at a place that is in the map; takes nothing if there is none. */
  Match longest(byte[] text, int begin) {
    int taken = 0;
    int value = 0;
    int node = units.length == 0 ? 0 : offset(units[0]);
    for (int i = begin; i < text.length && units.length > 0; i++) {
      node ^= text[i] & 0xff;
      int unit = units[node];
      if ((unit & LABEL) != (text[i] & 0xff)) {
        break;
      }
      node ^= offset(unit);
      if (hasValue(unit)) {
        taken = i + 1 - begin;
        value = units[node] ^ VALUE;
      }
    }
    int end = value;
    while (taken > 0 && replacements[end] != 0) {
      end++;
    }
    return new Match(taken, replacements, value, end);
  }
}
