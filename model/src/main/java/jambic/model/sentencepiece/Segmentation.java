package jambic.model.sentencepiece;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Cuts a text into the pieces that make it likeliest (Viterbi), as SentencePiece does. */
final class Segmentation {
  private static final float UNKNOWN_PENALTY = 10;

  /** Of a user-defined piece for each byte but one, so that it is preferred to what is in it. */
  private static final float USER_DEFINED_BONUS = 0.1f;

  private final List<Piece> pieces;
  private final PieceTrie trie;
  private final float unknownScore;

  /** Makes it for a vocabulary, whose ids are the places in the list. */
  Segmentation(List<Piece> pieces) {
    this.pieces = pieces;
    this.trie =
        new PieceTrie(
            pieces.stream().map(piece -> piece.isText() ? piece.utf8() : new byte[0]).toList());
    float min = Float.MAX_VALUE;
    for (Piece piece : pieces) {
      if (piece.type() == Piece.Type.NORMAL) {
        min = Math.min(min, piece.score());
      }
    }
    this.unknownScore = min - UNKNOWN_PENALTY;
  }

  /** A part of a text: a piece of the vocabulary, or else a character that none has. */
  record Part(String text, boolean known) {}

  /** The best way to each place of a text: its score, and the last part of it. */
  private static final class Ways {
    private static final int NOT_REACHED = -1;

    private final float[] scores;
    private final int[] begins;
    private final boolean[] known;

    private Ways(int length) {
      scores = new float[length + 1];
      begins = new int[length + 1];
      known = new boolean[length + 1];
      Arrays.fill(begins, NOT_REACHED);
    }

    /** Takes a part at the end of the best way to its begin, if that is the best way to its end. */
    private void offer(int begin, int end, float score, boolean isKnown) {
      float sum = score + scores[begin];
      if (begins[end] == NOT_REACHED || sum > scores[end]) {
        scores[end] = sum;
        begins[end] = begin;
        known[end] = isKnown;
      }
    }
  }

  /** Cuts a normalized text. */
  List<Part> parts(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Ways ways = new Ways(bytes.length);
    for (int begin = 0; begin < bytes.length; ) {
      int character = Math.min(Utf8.length(bytes[begin]), bytes.length - begin);
      if (!offerPieces(ways, bytes, begin, character)) {
        ways.offer(begin, begin + character, unknownScore, false);
      }
      begin += character;
    }
    List<Part> backwards = new ArrayList<>();
    for (int end = bytes.length; end > 0; end = ways.begins[end]) {
      int begin = ways.begins[end];
      String part = new String(bytes, begin, end - begin, StandardCharsets.UTF_8);
      backwards.add(new Part(part, ways.known[end]));
    }
    return backwards.reversed();
  }

  /** Offers all pieces that begin at a place; says whether one of them is the character there. */
  private boolean offerPieces(Ways ways, byte[] text, int begin, int character) {
    boolean single = false;
    int node = PieceTrie.ROOT;
    for (int end = begin + 1; end <= text.length; end++) {
      node = trie.child(node, text[end - 1]);
      if (node == PieceTrie.NONE) {
        break;
      }
      int id = trie.value(node);
      if (id != PieceTrie.NONE && pieces.get(id).type() != Piece.Type.UNUSED) {
        ways.offer(begin, end, score(pieces.get(id), end - begin), true);
        single |= end - begin == character;
      }
    }
    return single;
  }

  /** SentencePiece 0.2.2's; older releases gave every user-defined piece about -0.1. */
  private static float score(Piece piece, int bytes) {
    return piece.type() == Piece.Type.USER_DEFINED
        ? (bytes - 1) * USER_DEFINED_BONUS
        : piece.score();
  }
}
