package jambic.model.nn;

import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The keys and values that every layer computed for earlier positions, so that a new token needs
 * one forward step. They lie in pages of some positions each, which sequences take and give back,
 * as vLLM has it (Kwon et al., 2023): a sequence's memory need not be contiguous.
 */
public final class KvCache {
  /** Positions of a page, or the context where that is shorter. */
  private static final int PAGE = 64;

  private final List<Tensor> keys = new ArrayList<>();
  private final List<Tensor> values = new ArrayList<>();
  private final int pageSize;
  private final int pages;
  private final int[] free; // a stack
  private int freeCount;

  /**
   * Takes memory for pages.
   *
   * @param region where they lie
   * @param dtype of keys and values
   * @param layers how many have keys and values
   * @param width C, of a key
   * @param context the longest a sequence can be
   * @param tokens positions to have room for, or a few more
   */
  public KvCache(Region region, DType dtype, int layers, int width, int context, int tokens) {
    this(
        region,
        Math.min(PAGE, context),
        Math.ceilDiv(tokens, Math.min(PAGE, context)),
        dtype,
        layers,
        width);
  }

  private KvCache(Region region, int pageSize, int pages, DType dtype, int layers, int width) {
    this.pageSize = pageSize;
    this.pages = pages;
    Shape shape = Shape.of(pages, pageSize, width); // (P, S, C)
    for (int layer = 0; layer < layers; layer++) {
      keys.add(region.allocate(dtype, shape));
      values.add(region.allocate(dtype, shape));
    }
    free = new int[pages];
    Arrays.setAll(free, i -> pages - 1 - i);
    freeCount = pages;
  }

  /**
   * Takes memory for pages of some size: small ones where sequences often part.
   *
   * @param region where they lie
   * @param dtype of keys and values
   * @param layers how many have keys and values
   * @param width C, of a key
   * @param pageSize positions of a page
   * @param pages how many pages
   * @return an empty cache
   */
  public static KvCache ofPages(
      Region region, DType dtype, int layers, int width, int pageSize, int pages) {
    return new KvCache(region, pageSize, pages, dtype, layers, width);
  }

  /**
   * Counts the tokens to ask for to have room for so many sequences, however long.
   *
   * @param context the longest a sequence can be
   * @param sequences how many
   * @return positions
   */
  public static int tokensFor(int context, int sequences) {
    int page = Math.min(PAGE, context);
    return Math.toIntExact((long) sequences * Math.ceilDiv(context, page) * page);
  }

  /**
   * Copies whole pages in every layer.
   *
   * @param ops how to compute
   * @param from I32 (N): pages
   * @param to I32 (N): pages, overwritten; a page and itself does nothing
   */
  public void copy(InferenceOps ops, Tensor from, Tensor to) {
    for (int layer = 0; layer < keys.size(); layer++) {
      ops.copyPages(keys.get(layer), values.get(layer), from, to);
    }
  }

  Tensor keys(int layer) {
    return keys.get(layer);
  }

  Tensor values(int layer) {
    return values.get(layer);
  }

  /**
   * Counts the pages that so many positions take.
   *
   * @param positions how many
   * @return pages
   */
  public int pagesFor(int positions) {
    return Math.ceilDiv(positions, pageSize);
  }

  /**
   * Returns how many positions a page has.
   *
   * @return positions
   */
  public int pageSize() {
    return pageSize;
  }

  /**
   * Counts the positions that there is room for.
   *
   * @return positions
   */
  public int positions() {
    return pages * pageSize;
  }

  /**
   * Counts the pages that no sequence has.
   *
   * @return pages
   */
  public int freePages() {
    return freeCount;
  }

  /**
   * Takes one of the free pages.
   *
   * @return its number
   */
  public int take() {
    return free[--freeCount];
  }

  /**
   * Gives a page back.
   *
   * @param page its number
   */
  public void giveBack(int page) {
    free[freeCount++] = page;
  }
}
