package jambic.model.generate;

import jambic.model.LanguageModel;
import jambic.model.nn.KvCache;
import jambic.model.nn.PackedBatch;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.IntFunction;

/**
 * Forward passes over the next tokens of some sequences. While every sequence has one token, as
 * most of the time, a pass of as many sequences as the one before is a run of the same program.
 */
final class ModelRunner implements AutoCloseable {
  private static final Program NOTHING = () -> {};

  private final LanguageModel model;
  private final KvCache cache;
  private final BiFunction<Backend, Region, InferenceOps> reading;
  private final BiFunction<Backend, Region, InferenceOps> scoring;
  private final Region region;
  private final List<Region> turns; // of the layers of a pass that is not repeated

  // The shape that the program is for.
  private int rowCount;
  private int batch;
  private int ends;
  private boolean computed;
  private PackedBatch packed;
  private Tensor lastRows; // I32 (ends, 1), or none where every row is a last one
  private Tensor logits; // (ends, 1, V)
  private Program program = NOTHING;

  // What goes in and comes out.
  private int[] ids;
  private int[] positions;
  private int[] rows;
  private int[] starts;
  private int[] pages;
  private int[] last;
  private float[] scores = {};

  /**
   * A pass.
   *
   * @param reading how tokens are read
   * @param scoring how the scores of the last ones are computed
   */
  ModelRunner(
      LanguageModel model,
      KvCache cache,
      BiFunction<Backend, Region, InferenceOps> reading,
      BiFunction<Backend, Region, InferenceOps> scoring) {
    this.model = model;
    this.cache = cache;
    this.reading = reading;
    this.scoring = scoring;
    region = model.backend().region();
    turns = List.of(model.backend().region(), model.backend().region());
  }

  /**
   * Reads the next chunk of every sequence, at least one sequence.
   *
   * @return the scores of the next token, V for each sequence whose last token was read, in order
   */
  float[] run(List<CachedSequence> sequences) {
    int count = 0;
    int ending = 0;
    for (CachedSequence sequence : sequences) {
      count += sequence.chunk();
      ending += sequence.endsWithChunk() ? 1 : 0;
    }
    boolean same = count == rowCount && sequences.size() == batch && ending == ends;
    boolean repeatable = computed && same && count == batch && ending == batch;
    if (!repeatable) {
      allocate(count, sequences.size(), ending);
    }
    fill(sequences);
    if (repeatable) {
      program.run();
    } else {
      compute();
    }
    if (ends > 0) {
      logits.toFloats(scores);
    }
    for (CachedSequence sequence : sequences) {
      sequence.advance();
    }
    return scores;
  }

  private void allocate(int newRows, int newBatch, int newEnds) {
    computed = false; // in case memory runs out, here or later
    int width = cache.pagesFor(model.contextLength());
    region.rewind();
    packed =
        new PackedBatch(
            region.allocate(DType.I32, Shape.of(newRows, 1)),
            region.allocate(DType.I32, Shape.of(newRows)),
            region.allocate(DType.I32, Shape.of(newBatch + 1)),
            region.allocate(DType.I32, Shape.of(newBatch)),
            region.allocate(DType.I32, Shape.of(newBatch, width)));
    lastRows =
        newEnds == 0 || newEnds == newRows
            ? Tensor.NONE
            : region.allocate(DType.I32, Shape.of(newEnds, 1));
    ids = new int[newRows];
    positions = new int[newRows];
    rows = new int[newBatch + 1];
    starts = new int[newBatch];
    pages = new int[newBatch * width];
    last = new int[newEnds];
    if (scores.length != newEnds * model.vocabSize()) {
      scores = new float[newEnds * model.vocabSize()];
    }
    rowCount = newRows;
    batch = newBatch;
    ends = newEnds;
  }

  private void fill(List<CachedSequence> sequences) {
    int row = 0;
    int end = 0;
    for (int b = 0; b < batch; b++) {
      CachedSequence sequence = sequences.get(b);
      int chunk = sequence.chunk();
      starts[b] = sequence.cached();
      for (int i = 0; i < chunk; i++) {
        positions[row] = sequence.cached() + i;
        ids[row++] = sequence.token(sequence.cached() + i);
      }
      rows[b + 1] = row;
      System.arraycopy(sequence.pages(), 0, pages, b * pages.length / batch, pages.length / batch);
      if (sequence.endsWithChunk()) {
        last[end++] = row - 1;
      }
    }
    packed.ids().set(ids);
    packed.positions().set(positions);
    packed.rows().set(rows);
    packed.starts().set(starts);
    packed.pages().set(pages);
    if (!lastRows.isNone()) {
      lastRows.set(last);
    }
  }

  private void compute() {
    Backend backend = model.backend();
    InferenceOps ops = reading.apply(backend, region);
    IntFunction<InferenceOps> layers = rowCount == ends ? layer -> ops : this::inTurn;
    Tensor x = model.decode(ops, layers, cache, packed); // (R, 1, C)
    if (ends > 0) {
      InferenceOps head = rowCount == ends ? ops : scoring.apply(backend, region);
      if (!lastRows.isNone()) { // a table of rows, of which some are looked up
        x = head.embed(lastRows, x.reshape(Shape.of(rowCount, x.dim(2))), Tensor.NONE);
      }
      logits = model.decodeLogits(head, x);
    }
    program = rowCount == ends ? ops.program() : NOTHING;
    computed = true;
  }

  /** A layer of a long prompt takes the memory of the last but one. */
  private InferenceOps inTurn(int layer) {
    Region turn = turns.get(layer % turns.size());
    turn.rewind();
    return reading.apply(model.backend(), turn);
  }

  /** Frees the activations. */
  @Override
  public void close() {
    region.close();
    turns.forEach(Region::close);
  }
}
