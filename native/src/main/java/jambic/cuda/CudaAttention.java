package jambic.cuda;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.spi.AttentionKernels;
import jambic.tensor.spi.Dropout;
import jambic.tensor.text.Text;
import java.lang.foreign.MemorySegment;

/** Attention: on tensor cores in bfloat16, on the others in 32 bits. */
final class CudaAttention implements AttentionKernels {
  private static final int MOST_HEAD_SIZE = 128;
  private static final int DELTA_THREADS = 128;
  private static final int PAGED_THREADS = 256;
  private static final int COPY_THREADS = 256;

  private final Gpu gpu;

  CudaAttention(Gpu gpu) {
    this.gpu = gpu;
  }

  @Override
  public void forward(
      Tensor out,
      Tensor lse,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor lengths,
      int heads,
      boolean causal,
      float scale,
      Dropout dropout) {
    AttentionTiles tiles = tiles(q, heads);
    MemorySegment a = arguments(out, lse, q, k, v, lengths, heads, causal, scale, dropout);
    tiled(tiles, dropout).launch("attention", tiles.forward(q, heads), a);
  }

  @Override
  public void backward(
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Tensor dout,
      Tensor out,
      Tensor lse,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor lengths,
      int heads,
      boolean causal,
      float scale,
      Dropout dropout) {
    AttentionTiles tiles = tiles(q, heads);
    MemorySegment a = arguments(out, lse, q, k, v, lengths, heads, causal, scale, dropout);
    int rows = Math.toIntExact(lse.size());
    long delta = gpu.scratch().bytes((long) Float.BYTES * rows);
    MemorySegment g =
        new KernelStruct().rows(dq).rows(dk).rows(dv).rows(dout).address(delta).bytes();
    KernelModule kernels = tiled(tiles, dropout);
    if (q.dtype() == DType.F32) { // with tensor cores it is a part of attentionQueries
      kernels.launch(
          "attentionDelta",
          Grid.of(Math.ceilDiv(rows, DELTA_THREADS / 32), DELTA_THREADS),
          a,
          g,
          rows);
    }
    kernels.launch("attentionQueries", tiles.queries(q, heads), a, g);
    kernels.launch("attentionKeys", tiles.keys(k, heads), a, g);
  }

  @Override
  public void paged(
      Tensor out,
      Tensor kPages,
      Tensor vPages,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor rows,
      Tensor starts,
      Tensor pages,
      int heads,
      float scale) {
    int tokens = q.shape().rows();
    int c = q.dim(-1);
    KernelModule kernels = gpu.kernels("attention_paged.cu", q.dtype(), head(tiles(q, heads)));
    MemorySegment places =
        new KernelStruct()
            .address(kPages)
            .address(vPages)
            .address(rows)
            .address(starts)
            .address(pages)
            .number(pages.dim(0))
            .number(pages.dim(1))
            .number(kPages.dim(1))
            .number(kPages.dim(0))
            .number(c)
            .bytes();
    kernels.launch(
        "appendPaged",
        Grid.of(tokens, 256),
        places,
        new KernelStruct().rows(k).bytes(),
        new KernelStruct().rows(v).bytes());
    kernels.launch(
        "attentionPaged",
        Grid.of(tokens, PAGED_THREADS).planes(heads, 1),
        out,
        places,
        new KernelStruct().rows(q).bytes(),
        scale);
  }

  @Override
  public void copyPages(Tensor kPages, Tensor vPages, Tensor from, Tensor to) {
    int pairs = Math.toIntExact(to.size());
    if (pairs == 0) { // a grid has a block at least
      return;
    }
    int size = kPages.dim(1) * kPages.dim(2);
    gpu.kernels("pages.cu", kPages.dtype())
        .launch(
            "copyPages",
            Grid.of(pairs, COPY_THREADS).planes(2, 1),
            kPages,
            vPages,
            from,
            to,
            size,
            kPages.dim(0));
  }

  private static AttentionTiles tiles(Tensor q, int heads) {
    int size = q.dim(-1) / heads;
    if (size > MOST_HEAD_SIZE) {
      throw new JambicException(
          Text.format(
              "attention on CUDA has heads of at most %d numbers, and %d of width %d have %d; use more heads or the CPU",
              MOST_HEAD_SIZE, heads, q.dim(-1), size));
    }
    return new AttentionTiles(size, q.dtype());
  }

  private KernelModule tiled(AttentionTiles tiles, Dropout dropout) {
    if (tiles.dtype() != DType.BF16) {
      return gpu.kernels("attention.cu", tiles.dtype(), head(tiles));
    }
    return dropout.isNone()
        ? gpu.kernels("attention_bf16.cu", tiles.dtype(), head(tiles))
        : gpu.kernels("attention_bf16.cu", tiles.dtype(), head(tiles), "DROPOUT");
  }

  private static String head(AttentionTiles tiles) {
    return "HEAD=" + tiles.head();
  }

  /** {@code Attention} of {@code attention.cuh}. */
  private static MemorySegment arguments(
      Tensor out,
      Tensor lse,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor lengths,
      int heads,
      boolean causal,
      float scale,
      Dropout dropout) {
    return new KernelStruct()
        .rows(q)
        .rows(k)
        .rows(v)
        .rows(out)
        .address(lse)
        .address(lengths)
        .number(heads)
        .number(q.dim(1))
        .number(k.dim(1))
        .number(causal ? 1 : 0)
        .number(scale)
        .dropout(dropout)
        .bytes();
  }
}
