package jambic.cuda;

import jambic.tensor.DType;
import jambic.tensor.Tensor;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Copies of weights in bfloat16, which products read in place of the weights. A weight gets its
 * copy when a product first asks for it, and from then on the copy follows every change:
 *
 * <ul>
 *   <li>A kernel that may have written the weight is followed by one that rounds it again, in a
 *       recorded program, too. AdamW writes both itself.
 *   <li>What the host has written is rounded before the next product reads it, and before the next
 *       program runs.
 *   <li>A program that was recorded before there was a copy knows of none: what it writes never
 *       gets one. Nor does what lies in a region that was rewound, where other tensors may come to
 *       lie, nor any weight once memory is scarce. Such weights are rounded for each product.
 * </ul>
 *
 * <p>Of attention's outputs, which are activations, nothing is heard here.
 */
final class Bf16Weights {
  /**
   * Of a tensor's memory as its region gave it out, which no other's overlaps.
   *
   * @param room that of the tensor; the copy has as much, full of zeros
   * @param address where it is; 0 if there must be none
   */
  private record Copy(long start, long bytes, long room, long address) {
    long count() {
      return bytes / Float.BYTES;
    }

    /** The copy of the float at an address. */
    long at(long original) {
      return address + rounded(original - start);
    }
  }

  private final Gpu gpu;
  private final TreeMap<Long, Copy> copies = new TreeMap<>(); // by start
  private final Set<Copy> stale = new LinkedHashSet<>();

  Bf16Weights(Gpu gpu) {
    this.gpu = gpu;
  }

  /** The address of a weight's copy, made if need be; 0 if there must be none. */
  synchronized long of(Tensor w) {
    DeviceStorage storage = DeviceStorage.of(w);
    Copy copy = copies.get(storage.address());
    if (copy == null && !storage.region().wasRewound()) {
      copy = make(storage);
    }
    if (copy == null || copy.address == 0 || copy.bytes != storage.bytes()) {
      return 0;
    }
    // A recorded product would round at every run: the program's first run does it once.
    if (!gpu.stream().isCapturing() && stale.remove(copy)) {
      round(copy);
    }
    return copy.at(DeviceStorage.address(w));
  }

  private Copy make(DeviceStorage storage) {
    long address = gpu.memory().takeSpare(rounded(storage.room()));
    Copy copy = new Copy(storage.address(), storage.bytes(), storage.room(), address);
    copies.put(copy.start, copy);
    if (copy.address != 0) {
      stale.add(copy);
    }
    return copy;
  }

  /** What so many bytes of floats take in bfloat16. */
  private static long rounded(long bytes) {
    return bytes / Float.BYTES * DType.BF16.bytes();
  }

  private void round(Copy copy) {
    round(gpu, copy.address, copy.room / Float.BYTES, copy.start, copy.count());
  }

  /** Launches the rounding of so many floats; what is left of the output becomes zero. */
  static void round(Gpu gpu, long out, long outCount, long x, long count) {
    gpu.kernels("elementwise.cu", DType.F32)
        .launch("narrowAll", CudaElementwise.grid(count), out, outCount, x, count);
  }

  /** Where a kernel that writes a tensor has to write its rounded copy, too; 0 if nowhere. */
  synchronized long besides(Tensor x) {
    return writtenTo(x)
        .filter(copy -> copy.bytes == DeviceStorage.of(x).bytes())
        .map(copy -> copy.at(DeviceStorage.address(x)))
        .orElse(0L);
  }

  /** To be called right after the launch of a kernel that may write a tensor. */
  synchronized void written(Tensor x) {
    writtenTo(x).ifPresent(this::round);
  }

  private Optional<Copy> writtenTo(Tensor x) {
    if (x.dtype() != DType.F32 || x.isNone()) {
      return Optional.empty();
    }
    DeviceStorage storage = DeviceStorage.of(x);
    Copy copy = copies.get(storage.address());
    if (copy == null && gpu.stream().isCapturing() && !storage.region().wasRewound()) {
      copies.put(
          storage.address(), new Copy(storage.address(), storage.bytes(), storage.room(), 0));
    }
    return Optional.ofNullable(copy).filter(known -> known.address != 0);
  }

  /** To be called when the host has written somewhere. */
  synchronized void written(long address, long bytes) {
    Map.Entry<Long, Copy> last = copies.lowerEntry(address + bytes);
    while (last != null && address < last.getKey() + last.getValue().bytes) {
      if (last.getValue().address != 0) {
        stale.add(last.getValue());
      }
      last = copies.lowerEntry(last.getKey());
    }
  }

  /** To be called before a program runs: it relies on its copies. */
  synchronized void refresh() {
    stale.forEach(this::round);
    stale.clear();
  }

  /** To be called before memory is given back. */
  synchronized void forget(long address, long bytes) {
    Map<Long, Copy> within = copies.subMap(address, address + bytes);
    for (Copy copy : within.values()) {
      stale.remove(copy);
      if (copy.address != 0) {
        gpu.memory().giveBack(copy.address, rounded(copy.room));
      }
    }
    within.clear();
  }
}
