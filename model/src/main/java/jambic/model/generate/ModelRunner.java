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
  private Tensor scoredRows; // I32 (ends, 1), or none where every row has scores
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
   * @return the scores of the next token, V for each token that was read and is {@link
   *     CachedSequence#scored}, in order
   */
  float[] run(List<CachedSequence> sequences) {
    int count = 0;
    int parts = 0;
    int ending = 0;
    for (CachedSequence sequence : sequences) {
      count += sequence.chunk();
      parts += parts(sequence);
      ending += sequence.scored();
    }
    boolean same = count == rowCount && parts == batch && ending == ends;
    boolean repeatable = computed && same && count == batch && ending == batch;
    if (!repeatable) {
      allocate(count, parts, ending);
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

  /** A chunk is one part of the pass, but each token that is read singly is one by itself. */
  private static int parts(CachedSequence sequence) {
    return sequence.isReadSingly() ? sequence.chunk() : 1;
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
    scoredRows =
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
    int part = 0;
    int end = 0;
    int width = pages.length / batch;
    for (CachedSequence sequence : sequences) {
      int chunk = sequence.chunk();
      int parts = parts(sequence);
      for (int i = 0; i < chunk; i++) {
        positions[row] = sequence.cached() + i;
        ids[row++] = sequence.token(sequence.cached() + i);
      }
      for (int i = 0; i < parts; i++) {
        starts[part] = sequence.cached() + i;
        System.arraycopy(sequence.pages(), 0, pages, part * width, width);
        rows[++part] = row - (parts - 1 - i);
      }
      for (int i = sequence.scored(); i > 0; i--) {
        last[end++] = row - i;
      }
    }
    packed.ids().set(ids);
    packed.positions().set(positions);
    packed.rows().set(rows);
    packed.starts().set(starts);
    packed.pages().set(pages);
    if (!scoredRows.isNone()) {
      scoredRows.set(last);
    }
  }

  private void compute() {
    Backend backend = model.backend();
    InferenceOps ops = reading.apply(backend, region);
    boolean single = rowCount == batch && batch == ends; // a token each, and its scores
    IntFunction<InferenceOps> layers = single ? layer -> ops : this::inTurn;
    Tensor x = model.decode(ops, layers, cache, packed); // (R, 1, C)
    if (ends > 0) {
      InferenceOps head = single ? ops : scoring.apply(backend, region);
      if (!scoredRows.isNone()) { // a table of rows, of which some are looked up
        x = head.embed(scoredRows, x.reshape(Shape.of(rowCount, x.dim(2))), Tensor.NONE);
      }
      logits = model.decodeLogits(head, x);
    }
    program = single ? ops.program() : NOTHING;
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
