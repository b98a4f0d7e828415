package jambic.tensor.spi;

import jambic.tensor.Tensor;

/**
 * Multi-head scaled dot-product attention (Vaswani et al., 2017) with the online softmax of
 * FlashAttention (Dao et al., 2022): no (T, S) matrix in memory. Head h of a row of C numbers is
 * its columns {@code [h C/H, (h+1) C/H)}; scores are multiplied by a scale, in the paper {@code
 * 1/sqrt(C/H)}. q, k, v and their gradients may be column views: rows C wide, {@code
 * Tensor.rowStride()} apart.
 */
public interface AttentionKernels {
  /**
   * {@code out = dropout(softmax(scale q kᵀ + mask)) v}, head by head. Dropout element numbers
   * start each row at {@link Dropout#rowStart} of row {@code (b H + h) T + t}, S columns.
   *
   * @param out (B, T, C), overwritten; contiguous
   * @param lse (B, H, T), overwritten: the logarithm of each row's sum of exponentials
   * @param q (B, T, C)
   * @param k (B, S, C)
   * @param v (B, S, C)
   * @param lengths I32 (B), each in [1, S]: keys at or past it are padding, of finite numbers; or
   *     none. Others are refused as {@link Backend} says
   * @param heads H
   * @param causal whether query t sees only keys up to t (then S = T)
   * @param scale of the scores, above 0
   * @param dropout of the attention weights
   */
  void forward(
      Tensor out,
      Tensor lse,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor lengths,
      int heads,
      boolean causal,
      float scale,
      Dropout dropout);

  /**
   * The gradients of {@link #forward}; those of padding are 0.
   *
   * @param dq (B, T, C), overwritten
   * @param dk (B, S, C), overwritten
   * @param dv (B, S, C), overwritten
   * @param dout (B, T, C); contiguous
   * @param out (B, T, C), as computed
   * @param lse (B, H, T), as computed
   * @param q (B, T, C)
   * @param k (B, S, C)
   * @param v (B, S, C)
   * @param lengths as in the forward pass
   * @param heads as in the forward pass
   * @param causal as in the forward pass
   * @param scale as in the forward pass
   * @param dropout as in the forward pass
   */
  void backward(
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
      Dropout dropout);

  /**
   * Causal attention of sequences of any lengths, side by side, whose keys and values lie in pages
   * (Kwon et al., 2023): position p of sequence b is row {@code p % S} of page {@code pages[b, p /
   * S]}. The rows {@code rows[b] .. rows[b + 1] - 1} of q, k and v are the new tokens of sequence
   * b, at least one. Appends k and v at {@code starts[b]}, then query t of the sequence sees its
   * positions up to {@code starts[b] + t}. What the pages hold behind the last of these is never
   * read: it may be NaN.
   *
   * <p>The bits of a sequence depend on its own tokens and on how many of them are new, not on the
   * other sequences and not on which pages it has.
   *
   * <p>Tokens that follow one another may be given as sequences of one token each, in order, with
   * the same pages: what comes of each is to the bit what a launch for each would make.
   *
   * @param out (..., C) of R rows, overwritten; contiguous
   * @param kPages (P, S, C), the new rows overwritten
   * @param vPages (P, S, C), the new rows overwritten
   * @param q (..., C) of R rows
   * @param k (..., C) of R rows
   * @param v (..., C) of R rows
   * @param rows I32 (B + 1): where each sequence starts, and R
   * @param starts I32 (B): how many positions are in the pages already
   * @param pages I32 (B, N), with {@code starts[b] + rows[b + 1] - rows[b] <= N S}; the pages that
   *     are written belong to one sequence each, or to such single tokens
   * @param heads H
   * @param scale of the scores, above 0
   */
  void paged(
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
      float scale);

  /**
   * Copies whole pages in both pools: page {@code to[i]} gets what page {@code from[i]} holds, NaN
   * too. So two sequences with a common beginning share its full pages, and each has its own copy
   * of the page that is written next.
   *
   * <p>A pair of a page and itself does nothing: a list of fixed length may be filled up with them.
   * Of the other pairs no target is a target again, and none is a source. Those that are, and pages
   * that the pools lack, are refused as {@link Backend} says; where they cannot be, any of the
   * numbers may end up in such a target.
   *
   * @param kPages (P, S, C), the pages of {@code to} overwritten
   * @param vPages (P, S, C), the pages of {@code to} overwritten
   * @param from I32 (N), each in [0, P)
   * @param to I32 (N), each in [0, P)
   */
  void copyPages(Tensor kPages, Tensor vPages, Tensor from, Tensor to);
}
