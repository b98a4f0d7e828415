package jambic.tensor.host;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.HostLayout;
import jambic.tensor.spi.Region;
import jambic.tensor.spi.Storage;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;

/** A region of Java arrays, laid out by {@link HostLayout}. */
public final class HostRegion implements Region {
  private static final int LONGEST = Integer.MAX_VALUE - 128; // with what rounding adds, an array

  private boolean closed;
  private boolean rewound; // so it holds what is computed from a batch
  private final BooleanSupplier open = () -> !closed;

  private final BooleanSupplier ofBatch = () -> rewound;

  private final Arena floats =
      new Arena(DType.F32, n -> new HostStorage.Floats(new float[n], open), ofBatch);
  private final Arena ints =
      new Arena(DType.I32, n -> new HostStorage.Ints(new int[n], open), ofBatch);
  private final Arena bytes =
      new Arena(DType.I8, n -> new HostStorage.Bytes(new byte[n], open), ofBatch);

  @Override
  public Tensor allocate(DType dtype, Shape shape) {
    if (closed) {
      throw new JambicException(
          Text.format(
              "the region is closed, and with it what it belongs to; a tensor %s%s needs an open one",
              dtype, shape));
    }
    return arena(dtype).allocate(shape);
  }

  @Override
  public void release(Tensor tensor) {
    arena(tensor.dtype()).release(tensor);
  }

  private Arena arena(DType dtype) {
    return switch (dtype) {
      case F32 -> floats;
      case I32 -> ints;
      case I8 -> bytes;
      case BF16 ->
          throw new JambicException("the CPU computes in F32: there are no BF16 tensors on it");
    };
  }

  @Override
  public void rewind() {
    rewound = true;
    floats.rewind();
    ints.rewind();
    bytes.rewind();
  }

  @Override
  public long bytes() {
    return floats.bytes() + ints.bytes() + bytes.bytes();
  }

  @Override
  public void close() {
    closed = true;
    floats.close();
    ints.close();
    bytes.close();
  }

  /** The tensors of one type. */
  private static final class Arena {
    private final DType dtype;
    private final IntFunction<Storage> allocator;
    private final List<Storage> arrays = new ArrayList<>();
    private final Set<HostLayout.Place> taken = new HashSet<>();
    private final BooleanSupplier ofBatch;
    private HostLayout layout;

    Arena(DType dtype, IntFunction<Storage> allocator, BooleanSupplier ofBatch) {
      this.dtype = dtype;
      this.allocator = allocator;
      this.ofBatch = ofBatch;
      layout = empty();
    }

    private HostLayout empty() {
      return HostLayout.of(dtype, this::grow);
    }

    long bytes() {
      return dtype.bytes() * layout.elements();
    }

    Tensor allocate(Shape shape) {
      if (shape.size() > LONGEST) {
        throw new JambicException(
            "a tensor on the CPU holds at most 2^31 elements, got "
                + shape
                + "; lower the batch size or the context");
      }
      HostLayout.Place place = place(shape);
      taken.add(place);
      return Tensor.over(shape, dtype, arrays.get(place.chunk()), place.offset());
    }

    private HostLayout.Place place(Shape shape) {
      try {
        return layout.place(shape.size());
      } catch (OutOfMemoryError e) {
        Runtime runtime = Runtime.getRuntime();
        long used = runtime.totalMemory() - runtime.freeMemory();
        throw new JambicException(
            Text.format(
                "out of memory: a tensor %s%s needs %s, of the heap's %s %s are taken; give the JVM more with -Xmx, or %s",
                dtype,
                shape,
                mebibytes(dtype.bytes() * shape.size()),
                mebibytes(runtime.maxMemory()),
                mebibytes(used),
                ofBatch.getAsBoolean()
                    ? "lower the batch size or the context"
                    : "take a smaller model or a smaller KV cache"),
            e);
      }
    }

    private static String mebibytes(long bytes) {
      return Text.format("%d MiB", Math.ceilDiv(bytes, 1 << 20)); // a small need is not none
    }

    /** Small tensors share an array, so it may be larger than what was asked for. */
    private void grow(long capacity) {
      arrays.add(allocator.apply((int) capacity));
    }

    void release(Tensor tensor) {
      int array = 0;
      while (array < arrays.size() && arrays.get(array) != tensor.storage()) {
        array++;
      }
      HostLayout.Place place = new HostLayout.Place(array, tensor.offset());
      if (!taken.remove(place)) {
        throw new JambicException(
            Text.format(
                "release: the tensor %s is not of this region, or released already", tensor));
      }
      layout.release(place, tensor.size());
    }

    void rewind() {
      taken.clear();
      layout.rewind();
    }

    void close() {
      taken.clear();
      arrays.clear();
      layout = empty();
    }
  }
}
