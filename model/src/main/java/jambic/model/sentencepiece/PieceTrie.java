package jambic.model.sentencepiece;

import java.util.Arrays;
import java.util.List;

/** Finds those of some byte strings that begin at a place. */
final class PieceTrie {
  static final int NONE = -1;
  static final int ROOT = 0;

  private final long[] keys; // node << 8 | byte, NONE where a slot is free
  private final int[] children; // by slot
  private final int[] values; // by node
  private int nodes = 1;

  /**
   * Makes a trie of byte strings that differ.
   *
   * @param strings the byte strings; empty ones are left out
   */
  PieceTrie(List<byte[]> strings) {
    int most = 1 + strings.stream().mapToInt(string -> string.length).sum();
    keys = new long[Integer.highestOneBit(most) * 4]; // at most half full
    Arrays.fill(keys, NONE);
    children = new int[keys.length];
    values = new int[most];
    Arrays.fill(values, NONE);
    for (int i = 0; i < strings.size(); i++) {
      put(strings.get(i), i);
    }
  }

  private void put(byte[] string, int value) {
    if (string.length == 0) {
      return;
    }
    int node = ROOT;
    for (byte b : string) {
      int slot = slot(node, b);
      if (keys[slot] == NONE) {
        keys[slot] = key(node, b);
        children[slot] = nodes++;
      }
      node = children[slot];
    }
    values[node] = value;
  }

  /** The node behind a node and a byte, {@code NONE} if no string goes on so. */
  int child(int node, byte b) {
    int slot = slot(node, b);
    return keys[slot] == NONE ? NONE : children[slot];
  }

  /** The index of the string that ends at a node, {@code NONE} if none does. */
  int value(int node) {
    return values[node];
  }

  /** How many bytes the longest string has that begins at a place, 0 if none does. */
  int longest(byte[] text, int begin) {
    int longest = 0;
    int node = ROOT;
    for (int i = begin; i < text.length; i++) {
      node = child(node, text[i]);
      if (node == NONE) {
        break;
      }
      if (values[node] != NONE) {
        longest = i + 1 - begin;
      }
    }
    return longest;
  }

  private static long key(int node, byte b) {
    return (long) node << 8 | b & 0xff;
  }

  /** The slot of a key, or the free one where it belongs. */
  private int slot(int node, byte b) {
    long key = key(node, b);
    int slot = (int) (key * 0x9E3779B97F4A7C15L >>> 32) & keys.length - 1;
    while (keys[slot] != key && keys[slot] != NONE) {
      slot = slot + 1 & keys.length - 1;
    }
    return slot;
  }
}
