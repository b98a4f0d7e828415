package jambic.tensor.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Integers that lead out of a tensor are refused, also when a program runs again with others. */
public interface IndexContract {
  /** How many integers an operation gets; the last but one of them is out of range. */
  int COUNT = 40;

  /** Rows of tables and caches, and classes. */
  int ROWS = 5;

  /** An operation that reads integers. */
  @FunctionalInterface
  interface Operation {
    /**
     * Launches it.
     *
     * @param ops on the backend under test
     * @param region for its other inputs
     * @param indices I32 (COUNT)
     * @return its output
     */
    Tensor launch(InferenceOps ops, Region region, Tensor indices);
  }

  /**
   * The judge.
   *
   * @return knows the backends under test
   */
  Contract contract();

  /**
   * Whether the backend sees integers early enough to refuse them.
   *
   * @return false for one that computes later and merely stays inside the tensor
   */
  default boolean refusesIndices() {
    return true;
  }

  /** Ids that the table lacks. */
  @Test
  default void refusesIdsOutsideTheTable() {
    refuses(
        "embed",
        new int[] {-1, -3, 5, 99, Integer.MIN_VALUE, Integer.MAX_VALUE},
        (ops, region, ids) ->
            ops.embed(ids.reshape(Shape.of(COUNT / 4, 4)), floats(region, ROWS, 4), Tensor.NONE));
  }

  /** Targets that are no class, nor -1. */
  @Test
  default void refusesTargetsThatAreNoClass() {
    refuses(
        "crossEntropy",
        new int[] {-2, -5, 5, 77, Integer.MIN_VALUE, Integer.MAX_VALUE},
        (ops, region, targets) -> ops.crossEntropy(activations(ops, region), targets, 0));
  }

  /** The same for each row's log-probability. */
  @Test
  default void refusesTargetsWithoutALogProbability() {
    refuses(
        "logProbs",
        new int[] {-2, 5, Integer.MIN_VALUE, Integer.MAX_VALUE},
        (ops, region, targets) ->
            ops.logProbs(
                floats(region, COUNT, 4), floats(region, ROWS, 4), Tensor.NONE, targets, 1));
  }

  /** Rows that the tensor lacks. */
  @Test
  default void refusesRowsOutsideTheTensor() {
    refuses(
        "rows",
        new int[] {-1, 5, Integer.MIN_VALUE, Integer.MAX_VALUE},
        (ops, region, index) -> ops.rows(floats(region, ROWS, 4), index));
  }

  /** Pages that the pools lack, to copy from and to copy to. */
  @Test
  default void refusesToCopyPagesThatAreNotThere() {
    for (boolean isTarget : new boolean[] {false, true}) {
      refuses(
          "copyPages",
          new int[] {-1, 5, Integer.MIN_VALUE, Integer.MAX_VALUE},
          (ops, region, pages) -> {
            Tensor pool = floats(region, ROWS * 2, 4).reshape(Shape.of(ROWS, 2, 4));
            Tensor others = region.allocate(DType.I32, Shape.of(COUNT));
            others.set(new int[COUNT]);
            ops.copyPages(pool, pool, isTarget ? others : pages, isTarget ? pages : others);
            return pool;
          });
    }
  }

  /** Sequences all of padding, and longer than the keys. */
  @Test
  default void refusesLengthsWithoutAKeyOrWithTooMany() {
    refuses(
        "attention",
        new int[] {0, -1, 6, Integer.MIN_VALUE, Integer.MAX_VALUE},
        1,
        "[1, " + ROWS + "]",
        (ops, region, lengths) ->
            ops.attention(
                floats(region, COUNT * 2, 4).reshape(Shape.of(COUNT, 2, 4)),
                floats(region, COUNT * ROWS, 8).reshape(Shape.of(COUNT, ROWS, 8)),
                lengths,
                2,
                false,
                0));
  }

  /** Rows of two tokens that begin before the first or end after the last position. */
  @Test
  default void refusesPositionsOutsideTheTable() {
    refuses(
        "embed",
        new int[] {-1, 4, 5, 1 << 30},
        (ops, region, starts) -> {
          Tensor ids = region.allocate(DType.I32, Shape.of(COUNT, 2));
          ids.set(new int[COUNT * 2]);
          return ops.embedAt(ids, floats(region, ROWS, 4), floats(region, ROWS, 4), starts, 1);
        });
  }

  private void refuses(String op, int[] outside, Operation operation) {
    refuses(op, outside, 0, "[0, " + ROWS + ")", operation);
  }

  private void refuses(String op, int[] outside, int inside, String range, Operation operation) {
    assumeTrue(refusesIndices(), "this backend computes after it could refuse");
    for (Backend backend : contract().backends()) {
      try (Region region = backend.region()) {
        InferenceOps ops = new InferenceOps(backend, region);
        Tensor indices = region.allocate(DType.I32, Shape.of(COUNT));
        int[] good = new int[COUNT];
        Arrays.fill(good, inside);
        indices.set(good);
        Tensor out = operation.launch(ops, region, indices);
        Program program = ops.program();
        float[] expected = out.toFloats();
        for (int bad : outside) {
          int[] values = good.clone();
          values[COUNT - 2] = bad;
          indices.set(values);
          assertThatThrownBy(
                  () -> {
                    program.run();
                    backend.synchronize();
                  })
              .isInstanceOf(JambicException.class)
              .hasMessageStartingWith(op + ": ")
              .hasMessageContaining(" " + bad + " ")
              .hasMessageContaining(range);
          assertThat(out.toFloats()).isEqualTo(expected);
        }
        indices.set(good);
        program.run();
        assertThat(out.toFloats()).isEqualTo(expected);
      }
    }
  }

  private static Tensor activations(InferenceOps ops, Region region) {
    Tensor x = floats(region, COUNT, 4);
    return ops.linear(x, floats(region, ROWS, 4), Tensor.NONE);
  }

  private static Tensor floats(Region region, int rows, int columns) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(rows, columns));
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 7 - 3;
    }
    tensor.set(values);
    return tensor;
  }
}
