package jambic.tensor.meta;

import jambic.tensor.DType;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.ActivationKernels;
import jambic.tensor.spi.AttentionKernels;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.ElementwiseKernels;
import jambic.tensor.spi.EmbeddingKernels;
import jambic.tensor.spi.HostLayout;
import jambic.tensor.spi.KernelFamilies;
import jambic.tensor.spi.LinearKernels;
import jambic.tensor.spi.LossKernels;
import jambic.tensor.spi.NormKernels;
import jambic.tensor.spi.OptimizerKernels;
import jambic.tensor.spi.Region;
import jambic.tensor.spi.Storage;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A backend without numbers, like PyTorch's {@code meta} device: tensors have shapes and take no
 * memory, kernels do nothing, and regions count the bytes that the CPU's would take.
 */
public final class MetaBackend implements Backend {
  /** Keeps nothing. */
  private record Unstored(int chunk) implements Storage {
    @Override
    public void write(long offset, MemorySegment source) {}

    @Override
    public void read(long offset, MemorySegment destination) {
      throw new IllegalStateException("a meta tensor has no numbers");
    }
  }

  /** Takes what the CPU's region would take. */
  public static final class MetaRegion implements Region {
    private final Map<DType, HostLayout> layouts = new EnumMap<>(DType.class);
    private final Map<Long, Integer> released = new HashMap<>(); // how many, by bytes
    private long now;
    private long needed;

    @Override
    public Tensor allocate(DType dtype, Shape shape) {
      HostLayout.Place place = layout(dtype).place(shape.size());
      long size = Math.multiplyExact(shape.size(), dtype.bytes());
      int free = released.getOrDefault(size, 0);
      if (free > 0) {
        released.put(size, free - 1);
      } else {
        now = Math.addExact(now, size);
        needed = Math.max(needed, now);
      }
      return Tensor.over(shape, dtype, new Unstored(place.chunk()), place.offset());
    }

    @Override
    public void release(Tensor tensor) {
      int chunk = ((Unstored) tensor.storage()).chunk;
      layout(tensor.dtype()).release(new HostLayout.Place(chunk, tensor.offset()), tensor.size());
      released.merge(tensor.size() * tensor.dtype().bytes(), 1, Integer::sum);
    }

    private HostLayout layout(DType dtype) {
      return layouts.computeIfAbsent(dtype, type -> HostLayout.of(type, capacity -> {}));
    }

    @Override
    public void rewind() {
      layouts.values().forEach(HostLayout::rewind);
      released.clear();
      now = 0;
    }

    /** What the tensors need at the worst moment, without the room between and behind them. */
    public long needed() {
      return needed;
    }

    @Override
    public long bytes() {
      long bytes = 0;
      for (Map.Entry<DType, HostLayout> layout : layouts.entrySet()) {
        long elements = layout.getValue().elements();
        bytes = Math.addExact(bytes, Math.multiplyExact(elements, layout.getKey().bytes()));
      }
      return bytes;
    }

    @Override
    public void close() {}
  }

  private static <K> K idle(Class<K> kernels) {
    return kernels.cast(
        Proxy.newProxyInstance(
            kernels.getClassLoader(), new Class<?>[] {kernels}, (proxy, method, args) -> null));
  }

  private final DType activationType;
  private final List<MetaRegion> regions = new ArrayList<>();
  private final KernelFamilies kernels =
      new KernelFamilies(
          idle(LinearKernels.class),
          idle(EmbeddingKernels.class),
          idle(NormKernels.class),
          idle(ActivationKernels.class),
          idle(AttentionKernels.class),
          idle(ElementwiseKernels.class),
          idle(LossKernels.class),
          idle(OptimizerKernels.class));

  /**
   * Opens the backend.
   *
   * @param activationType in which operations keep what they compute
   */
  public MetaBackend(DType activationType) {
    this.activationType = activationType;
  }

  @Override
  public DType activationType() {
    return activationType;
  }

  @Override
  public String name() {
    return "meta";
  }

  @Override
  public String description() {
    return "computes nothing";
  }

  @Override
  public MetaRegion region() {
    MetaRegion region = new MetaRegion();
    regions.add(region);
    return region;
  }

  /** The bytes that the CPU takes for all regions that were opened, one after the other. */
  public List<Long> regions() {
    return regions.stream().map(MetaRegion::bytes).toList();
  }

  @Override
  public Program capture(Runnable body) {
    return () -> {};
  }

  @Override
  public void synchronize() {}

  @Override
  public KernelFamilies kernels() {
    return kernels;
  }

  @Override
  public void close() {}
}
