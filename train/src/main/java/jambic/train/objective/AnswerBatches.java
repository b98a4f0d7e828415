package jambic.train.objective;

import jambic.tensor.JambicException;
import jambic.train.data.BatchSampler;
import jambic.train.example.TokenExample;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Puts examples into rows of a batch, padded on the right to its width, or packs them: then the
 * tokens lie side by side besides, without padding between them. Targets are the learned tokens;
 * those of prompts and of padding do not count.
 */
public final class AnswerBatches {
  /**
   * The shape of a batch.
   *
   * @param rows B
   * @param width T, tokens of a row
   * @param tokens R, tokens that are computed: B times T unless they are packed
   */
  public record Shape(int rows, int width, int tokens) {}

  /**
   * Where the tokens of a packed batch lie.
   *
   * @param padded (B, T): which of the R tokens stands there, 0 for padding
   * @param packed (R): which of the B times T places each has, 0 behind the last
   */
  public record Places(int[] padded, int[] packed) {}

  /**
   * A batch.
   *
   * @param shape its sizes
   * @param x (B, T) the tokens to read, then padding; rows at the end may be nothing but that
   * @param y (R) the token that follows each, or {@link BatchSampler#IGNORED}
   * @param places where the tokens lie if they are packed
   * @param targets how many count
   */
  public record Batch(Shape shape, int[] x, int[] y, Optional<Places> places, int targets) {}

  private static final int FILLED =
      8; // a packed batch has as many eighths of its tokens as it needs

  private final List<TokenExample> examples;
  private final int size; // of a batch: examples, or tokens if they are packed
  private final boolean packing;
  private final LengthBatches order;

  /**
   * Batches of examples.
   *
   * @param examples at least one
   * @param batchSize B, examples of a batch
   * @param context T at most: an example has one token more, which is only predicted
   * @param seed decides the order
   * @throws JambicException if there is no example, or one does not fit into the context
   */
  public AnswerBatches(List<TokenExample> examples, int batchSize, int context, long seed) {
    this(
        examples, batchSize, false, new LengthBatches(lengths(examples), batchSize, context, seed));
  }

  private AnswerBatches(
      List<TokenExample> examples, int size, boolean packing, LengthBatches order) {
    this.examples = List.copyOf(examples);
    this.size = size;
    this.packing = packing;
    this.order = order;
  }

  /**
   * Batches of packed examples, as many as fit.
   *
   * @param examples at least one
   * @param rows what fits into a batch: the tokens of so many contexts
   * @param context tokens of an example at most; it has one more, which is only predicted
   * @param seed decides the order
   * @return the batches
   * @throws JambicException if there is no example, or one does not fit into the context
   */
  public static AnswerBatches packed(
      List<TokenExample> examples, int rows, int context, long seed) {
    int tokens = Math.multiplyExact(rows, context);
    return new AnswerBatches(
        examples, tokens, true, LengthBatches.ofTokens(lengths(examples), tokens, context, seed));
  }

  private static int[] lengths(List<TokenExample> examples) {
    return examples.stream().mapToInt(AnswerBatches::inputs).toArray();
  }

  private static int inputs(TokenExample example) {
    return example.ids().length - 1;
  }

  /**
   * Tells whether the tokens lie side by side besides.
   *
   * @return whether batches have {@link Places}
   */
  public boolean isPacked() {
    return packing;
  }

  /**
   * Counts the batches of an epoch.
   *
   * @return how many it takes to go through all examples once
   */
  public int perEpoch() {
    return order.perEpoch();
  }

  /**
   * Tells the shape of a batch to train on.
   *
   * @param index which one, from 0, counted over all epochs
   * @return its sizes
   */
  public Shape shape(long index) {
    return shape(order.rows(index));
  }

  /**
   * Tells the shape of a batch to measure with.
   *
   * @param index which one, from 0
   * @return its sizes
   */
  public Shape fixedShape(long index) {
    return shape(order.fixedRows(index));
  }

  private Shape shape(int[] rows) {
    int width = order.width(rows);
    if (!packing) {
      return new Shape(size, width, size * width);
    }
    int part = Math.ceilDiv(size, FILLED);
    int tokens = Arrays.stream(rows).map(row -> inputs(examples.get(row))).sum();
    return new Shape(
        LengthBatches.rows(width, size), width, Math.min(size, Math.ceilDiv(tokens, part) * part));
  }

  /**
   * Gives a batch to train on.
   *
   * @param index which one, from 0, counted over all epochs
   * @return the batch
   */
  public Batch batch(long index) {
    return batch(order.rows(index));
  }

  /**
   * Gives a batch to measure with, the same one for the same index.
   *
   * @param index which one, from 0; past {@link #perEpoch} they come again
   * @return the batch
   */
  public Batch fixedBatch(long index) {
    return batch(order.fixedRows(index));
  }

  private Batch batch(int[] rows) {
    Shape shape = shape(rows);
    int[] x = new int[shape.rows * shape.width];
    int[] y = new int[shape.tokens];
    Places places = new Places(new int[x.length], new int[y.length]);
    Arrays.fill(y, BatchSampler.IGNORED);
    int targets = 0;
    int next = 0; // of the packed tokens
    for (int row = 0; row < rows.length; row++) {
      TokenExample example = examples.get(rows[row]);
      int from = row * shape.width;
      System.arraycopy(example.ids(), 0, x, from, inputs(example));
      for (int t = 0; t < inputs(example); t++) {
        int token = packing ? next++ : from + t;
        places.padded[from + t] = token;
        places.packed[token] = from + t;
        if (example.learned()[t + 1]) {
          y[token] = example.ids()[t + 1];
          targets++;
        }
      }
    }
    return new Batch(shape, x, y, packing ? Optional.of(places) : Optional.empty(), targets);
  }
}
