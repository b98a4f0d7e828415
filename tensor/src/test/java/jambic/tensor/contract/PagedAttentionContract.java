package jambic.tensor.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import jambic.tensor.DType;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import jambic.tensor.spi.Dropout;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Attention over pages: odd pages, odd sequences, every mixture of them. */
public interface PagedAttentionContract {
  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** Heads, head size, rows of a page, and for each sequence its cached and its new tokens. */
  record Pages(int heads, int d, int size, int[] starts, int[] counts) {
    int c() {
      return heads * d;
    }

    int rows() {
      return Arrays.stream(counts).sum();
    }

    /** Of the scores: the usual one, and where there are two heads another. */
    float scale() {
      return heads == 2 ? 0.3f : (float) (1 / Math.sqrt(d));
    }

    /** Pages of the longest sequence, and one that nobody needs. */
    int width() {
      int longest =
          IntStream.range(0, starts.length).map(b -> starts[b] + counts[b]).max().orElse(0);
      return (longest + size - 1) / size + 1;
    }

    /** The rows at which the sequences start, and the end. */
    int[] offsets() {
      int[] offsets = new int[counts.length + 1];
      for (int b = 0; b < counts.length; b++) {
        offsets[b + 1] = offsets[b] + counts[b];
      }
      return offsets;
    }

    @Override
    public String toString() {
      return "H %d D %d S %d, %s after %s"
          .formatted(heads, d, size, Arrays.toString(counts), Arrays.toString(starts));
    }
  }

  /** One token each, several each, and both, in pages of any size. */
  @Test
  default void pagedAttention() {
    for (int d : AttentionContract.HEAD_SIZES) {
      for (int size : new int[] {1, 3, 16, 64}) {
        check(new Pages(2, d, size, new int[] {0}, new int[] {1}));
        check(new Pages(1, d, size, new int[] {40, 0, 13}, new int[] {1, 1, 1}));
        check(new Pages(3, d, size, new int[] {0, 63, 5, 17}, new int[] {17, 1, 2, 1}));
      }
    }
    check(new Pages(3, 64, 64, new int[] {299, 64, 0}, new int[] {1, 1, 1}));
    check(new Pages(2, 24, 64, new int[] {0, 80}, new int[] {129, 70}));
    check(new Pages(1, 80, 17, new int[] {257, 1}, new int[] {3, 257}));
  }

  private void check(Pages pages) {
    contract()
        .check(
            "attention.paged " + pages,
            Tolerances.f32(Kernel.ATTENTION).summing(pages.width() * pages.size),
            scene -> launch(scene, pages, scene.output("out", pages.rows(), 1, pages.c())));
  }

  private static Runnable launch(Scene scene, Pages pages, Tensor out) {
    int c = pages.c();
    int batch = pages.starts.length;
    int width = pages.width();
    int[] table = shuffled(scene, batch * width);
    Tensor kPages = pool(scene, "kPages", pages, table);
    Tensor vPages = pool(scene, "vPages", pages, table);
    Tensor qkv = scene.input("qkv", pages.rows(), 1, 3 * c + 5);
    Tensor rows = scene.integers("rows", pages.offsets(), batch + 1);
    Tensor starts = scene.integers("starts", pages.starts, batch);
    Tensor named = scene.integers("pages", table, batch, width);
    return () ->
        scene
            .backend()
            .attention()
            .paged(
                out,
                kPages,
                vPages,
                qkv.columns(2, c),
                qkv.columns(c + 2, c),
                qkv.columns(2 * c + 2, c),
                rows,
                starts,
                named,
                pages.heads,
                pages.scale());
  }

  /** The numbers below a bound in any order. */
  private static int[] shuffled(Scene scene, int bound) {
    int[] order = IntStream.range(0, bound).toArray();
    int[] draws = scene.draw("order", bound, bound);
    for (int i = bound - 1; i > 0; i--) {
      int j = draws[i] % (i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }

  /** Remembered rows up to each start, NaN everywhere else; the rows to come are outputs. */
  private static Tensor pool(Scene scene, String name, Pages pages, int[] table) {
    int c = pages.c();
    int width = pages.width();
    int positions = table.length * pages.size;
    int[] values = scene.draw(name, 4001, positions * c);
    double[] content = new double[positions * c];
    Arrays.fill(content, Double.NaN);
    for (int b = 0; b < pages.starts.length; b++) {
      for (int p = 0; p < pages.starts[b]; p++) {
        int row = table[b * width + p / pages.size] * pages.size + p % pages.size;
        for (int i = row * c; i < (row + 1) * c; i++) {
          content[i] = (values[i] - 2000) / 1000.0;
        }
      }
    }
    Tensor pool = scene.input(name, i -> content[i], table.length, pages.size, c);
    for (int b = 0; b < pages.starts.length; b++) {
      for (int t = 0; t < pages.counts[b]; t++) {
        int p = pages.starts[b] + t;
        int row = table[b * width + p / pages.size] * pages.size + p % pages.size;
        scene.written(name + " of token " + t + " of sequence " + b, row(pool, row, c));
      }
    }
    return pool;
  }

  private static Tensor row(Tensor pool, int row, int c) {
    return Tensor.over(Shape.of(1, c), DType.F32, pool.storage(), pool.offset() + (long) row * c);
  }

  /** A sequence gets the same bits beside others, in other pages, as alone. */
  @Test
  default void pagedAttentionOfASequenceIsItsOwn() {
    int[] counts = {1, 9, 1, 70};
    int heads = 2;
    int d = 24;
    int c = heads * d;
    for (var backend : contract().backends()) {
      try (Scene scene = contract().scene(backend, "attention.paged alone and together")) {
        int all = Arrays.stream(counts).sum();
        Tensor qkv = scene.input("qkv", all, 1, 3 * c);
        Tensor together = scene.output("together", all, 1, c);
        Tensor alone = scene.output("alone", all, 1, c);
        int first = 0;
        for (int b = 0; b <= counts.length; b++) {
          boolean last = b == counts.length;
          int[] some = last ? counts : new int[] {counts[b]};
          Pages pages = new Pages(heads, d, 16, new int[some.length], some);
          int[] table = IntStream.range(0, some.length * pages.width()).toArray();
          String name = "of " + b;
          Tensor out = rows(last ? together : alone, last ? 0 : first, pages.rows(), c);
          Tensor part = rows(qkv, last ? 0 : first, pages.rows(), 3 * c);
          Tensor kPages = scene.output("kPages" + name, table.length, 16, c);
          Tensor vPages = scene.output("vPages" + name, table.length, 16, c);
          backend
              .attention()
              .paged(
                  out,
                  kPages,
                  vPages,
                  part.columns(0, c),
                  part.columns(c, c),
                  part.columns(2 * c, c),
                  scene.integers("rows" + name, pages.offsets(), some.length + 1),
                  scene.integers("starts" + name, new int[some.length], some.length),
                  scene.integers("pages" + name, table, some.length, pages.width()),
                  heads,
                  0.2f);
          first += pages.rows();
        }
        assertArrayEquals(
            Scene.bits(alone.toFloats()),
            Scene.bits(together.toFloats()),
            "attention.paged alone and together, on " + backend.description());
      }
    }
  }

  /** Tokens that follow one another, each a sequence by itself, as if launched one by one. */
  @Test
  default void pagedAttentionOfSingleTokensAtOnceIsThatOfOneAfterAnother() {
    int steps = 37;
    int heads = 2;
    int c = heads * 24;
    for (var backend : contract().backends()) {
      try (Scene scene = contract().scene(backend, "attention.paged singly")) {
        Tensor qkv = scene.input("qkv", steps, 1, 3 * c);
        int[][] bits = new int[2][];
        for (int together = 0; together < 2; together++) {
          String name = " " + together;
          Tensor out = scene.output("out" + name, steps, 1, c);
          Tensor kPages = scene.output("kPages" + name, 3, 16, c);
          Tensor vPages = scene.output("vPages" + name, 3, 16, c);
          int count = together == 1 ? steps : 1;
          for (int first = 0; first < steps; first += count) {
            int from = first;
            Tensor some = rows(qkv, first, count, 3 * c);
            int[] pages = IntStream.range(0, 3 * count).map(i -> (i + 2) % 3).toArray();
            backend
                .attention()
                .paged(
                    rows(out, first, count, c),
                    kPages,
                    vPages,
                    some.columns(0, c),
                    some.columns(c, c),
                    some.columns(2 * c, c),
                    scene.integers(
                        "rows" + first + name,
                        IntStream.rangeClosed(0, count).toArray(),
                        count + 1),
                    scene.integers(
                        "starts" + first + name,
                        IntStream.range(0, count).map(i -> from + i).toArray(),
                        count),
                    scene.integers("pages" + first + name, pages, count, 3),
                    heads,
                    0.2f);
          }
          bits[together] = Scene.bits(out.toFloats());
        }
        assertArrayEquals(bits[0], bits[1], "singly, on " + backend.description());
      }
    }
  }

  /** Token by token, or in pieces, is the same as all at once without pages. */
  @Test
  default void pagedAttentionInPiecesEqualsAttention() {
    int steps = 45;
    int heads = 3;
    int c = heads * 24;
    int[] pieces = {1, 1, 5, 17, 1, 20};
    for (var backend : contract().backends()) {
      try (Scene scene = contract().scene(backend, "attention.paged against attention")) {
        Tensor qkv = scene.input("qkv", 1, steps, 3 * c);
        Tensor lse = scene.output("lse", 1, heads, steps);
        Tensor whole = scene.output("whole", 1, steps, c);
        Tensor pieced = scene.output("pieced", 1, steps, c);
        Tensor kPages = scene.output("kPages", 3, 16, c);
        Tensor vPages = scene.output("vPages", 3, 16, c);
        Tensor pages = scene.integers("pages", new int[] {2, 0, 1}, 1, 3);
        backend
            .attention()
            .forward(
                whole,
                lse,
                qkv.columns(0, c),
                qkv.columns(c, c),
                qkv.columns(2 * c, c),
                Tensor.NONE,
                heads,
                true,
                0.2f,
                Dropout.NONE);
        int start = 0;
        for (int piece : pieces) {
          Tensor some = rows(qkv, start, piece, 3 * c);
          backend
              .attention()
              .paged(
                  rows(pieced, start, piece, c),
                  kPages,
                  vPages,
                  some.columns(0, c),
                  some.columns(c, c),
                  some.columns(2 * c, c),
                  scene.integers("rows" + start, new int[] {0, piece}, 2),
                  scene.integers("starts" + start, new int[] {start}, 1),
                  pages,
                  heads,
                  0.2f);
          start += piece;
        }
        Contract.requireClose(
            "attention.paged against attention, on " + backend.description(),
            List.of("out"),
            List.of(whole.toFloats()),
            List.of(pieced.toFloats()),
            Tolerances.f32(Kernel.ATTENTION).summing(steps));
      }
    }
  }

  /** Pages, their rows and width, and how many are copied. */
  int[][] COPIES = {{2, 1, 1, 1}, {7, 3, 17, 3}, {40, 16, 24, 20}, {9, 16, 256, 8}, {3, 2, 4, 0}};

  /** Some pages to several others, NaN with them, and pairs of a page and itself between. */
  @Test
  default void copiesPages() {
    for (int[] size : COPIES) {
      contract()
          .check(
              "attention.copyPages " + Arrays.toString(size),
              Tolerance.EXACT,
              scene -> copy(scene, size[0], size[1], size[2], size[3]));
    }
  }

  private static Runnable copy(Scene scene, int count, int size, int c, int copies) {
    int[] order = shuffled(scene, count);
    int[] draws = scene.draw("sources", count - copies, copies);
    int[] from = new int[2 * copies];
    int[] to = new int[2 * copies];
    for (int i = 0; i < copies; i++) {
      from[2 * i] = order[copies + draws[i]];
      to[2 * i] = order[i];
      from[2 * i + 1] = order[i * 5 % count];
      to[2 * i + 1] = from[2 * i + 1];
    }
    Tensor[] pools = new Tensor[2];
    for (int p = 0; p < 2; p++) {
      String name = p == 0 ? "kPages" : "vPages";
      int[] draw = scene.draw(name, 4001, count * size * c);
      pools[p] = scene.input(name, i -> draw[i] < 99 ? Double.NaN : draw[i] / 7.0, count, size, c);
      for (int i = 0; i < copies; i++) {
        Tensor page = rows(pools[p], to[2 * i] * size, size, c);
        scene.written(name + " " + to[2 * i] + " of " + from[2 * i], page);
      }
    }
    Tensor sources = scene.integers("from", from, from.length);
    Tensor targets = scene.integers("to", to, to.length);
    return () -> scene.backend().attention().copyPages(pools[0], pools[1], sources, targets);
  }

  /** Two sequences with a common beginning go on, each as if its pages were its own. */
  @Test
  default void sequencesForkWhereTheirOpenPageIsCopied() {
    int common = 21;
    int steps = 27;
    int heads = 2;
    int c = heads * 24;
    for (var backend : contract().backends()) {
      try (Scene scene = contract().scene(backend, "attention.copyPages against attention")) {
        int[] draws = scene.draw("numbers", 4001, 2 * steps * 3 * c);
        Tensor qkv =
            scene.input(
                "qkv",
                i -> draws[i % (steps * 3 * c) < common * 3 * c ? i % (steps * 3 * c) : i] / 2e3,
                2,
                steps,
                3 * c);
        Tensor whole = scene.output("whole", 2, steps, c);
        Tensor lse = scene.output("lse", 2, heads, steps);
        backend
            .attention()
            .forward(
                whole,
                lse,
                qkv.columns(0, c),
                qkv.columns(c, c),
                qkv.columns(2 * c, c),
                Tensor.NONE,
                heads,
                true,
                0.2f,
                Dropout.NONE);
        Tensor[] pools = {scene.output("kPages", 4, 16, c), scene.output("vPages", 4, 16, c)};
        Tensor first = scene.output("first", common, 1, c);
        attend(scene, first, pools, rows(qkv, 0, common, 3 * c), 0, heads, new int[] {3, 0}, 1);
        Tensor from = scene.integers("from", new int[] {0}, 1);
        Tensor to = scene.integers("to", new int[] {2}, 1);
        backend.attention().copyPages(pools[0], pools[1], from, to);
        int left = steps - common;
        Tensor rest =
            scene.input(
                "rest",
                i -> {
                  int row = i / (3 * c) / left * steps + common + i / (3 * c) % left;
                  return draws[row * 3 * c + i % (3 * c)] / 2e3;
                },
                2 * left,
                1,
                3 * c);
        Tensor out = scene.output("out", 2 * left, 1, c);
        attend(scene, out, pools, rest, common, heads, new int[] {3, 0, 3, 2}, 2);
        for (int b = 0; b < 2; b++) {
          Contract.requireClose(
              "attention.copyPages against attention, on " + backend.description(),
              List.of("sequence " + b),
              List.of(rows(whole, b * steps + common, left, c).toFloats()),
              List.of(rows(out, b * left, left, c).toFloats()),
              Tolerances.f32(Kernel.ATTENTION).summing(steps));
        }
      }
    }
  }

  /** As many new tokens of each sequence, whose table has two pages. */
  private static void attend(
      Scene scene,
      Tensor out,
      Tensor[] pools,
      Tensor qkv,
      int start,
      int heads,
      int[] table,
      int batch) {
    int c = out.dim(-1);
    int[] starts = new int[batch];
    Arrays.fill(starts, start);
    int each = qkv.dim(0) / batch;
    int[] rows = IntStream.rangeClosed(0, batch).map(b -> b * each).toArray();
    scene
        .backend()
        .attention()
        .paged(
            out,
            pools[0],
            pools[1],
            qkv.columns(0, c),
            qkv.columns(c, c),
            qkv.columns(2 * c, c),
            scene.integers("rows" + start, rows, batch + 1),
            scene.integers("starts" + start, starts, batch),
            scene.integers("pages" + start, table, batch, 2),
            heads,
            0.2f);
  }

  private static Tensor rows(Tensor x, int from, int count, int width) {
    return Tensor.over(
        Shape.of(count, 1, width), DType.F32, x.storage(), x.offset() + (long) from * width);
  }
}
