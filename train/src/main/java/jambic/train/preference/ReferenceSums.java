package jambic.train.preference;

import jambic.model.LanguageModel;
import jambic.tensor.spi.Region;
import jambic.train.stage.RowBatch;
import jambic.train.stage.RowPass;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Computes what a reference thinks of things with two answers each, once, before training. Batches
 * have the first answers, then the second ones.
 */
final class ReferenceSums {
  private static final int AT_ONCE = 16;

  private ReferenceSums() {}

  /** Puts a thing together with the log-probabilities of its answers, in nats. */
  @FunctionalInterface
  interface Scored<E, S> {
    S of(E thing, double first, double second);
  }

  static <E, S> List<S> score(
      LanguageModel reference,
      List<E> things,
      Function<List<E>, RowBatch> layout,
      Scored<E, S> scored) {
    List<S> all = new ArrayList<>();
    try (Region region = reference.backend().region()) {
      RowPass pass =
          new RowPass(reference.backend(), region, RowPass.Head.logProbs(reference, 1), false);
      for (int from = 0; from < things.size(); from += AT_ONCE) {
        List<E> part = things.subList(from, Math.min(things.size(), from + AT_ONCE));
        RowBatch batch = layout.apply(part);
        double[] sums = batch.sums(pass.forward(batch));
        for (int i = 0; i < part.size(); i++) {
          all.add(scored.of(part.get(i), sums[i], sums[part.size() + i]));
        }
      }
    }
    return all;
  }
}
