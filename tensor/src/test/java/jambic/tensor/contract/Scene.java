package jambic.tensor.contract;

import jambic.tensor.DType;
import jambic.tensor.Philox;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/**
 * The tensors of one launch on one backend. Their content is a function of the case and their
 * names, so that every backend sees the same. Each lies in its own block between canaries, at an
 * offset of choice; what an output overwrites holds NaN before.
 */
public final class Scene implements AutoCloseable {
  private static final int GUARD = 32;
  private static final float CANARY = -12345.678f;

  private final Backend backend;
  private final Region region;
  private final String title;
  private final int shift;
  private final int variant;
  private final List<Block> blocks = new ArrayList<>();
  private final List<Output> outputs = new ArrayList<>();
  private int variants = 1;

  /** Memory, what it holds before a launch, and which of its elements a launch may change. */
  private record Block(String name, Tensor memory, float[] floats, int[] ints, BitSet written) {
    void write() {
      switch (memory.dtype()) {
        case F32 -> memory.set(floats);
        case I32 -> memory.set(ints);
        default -> memory.write(MemorySegment.ofArray(bytes(ints)));
      }
    }

    /** The bits of what it holds now. */
    int[] bits() {
      return switch (memory.dtype()) {
        case F32 -> Scene.bits(memory.toFloats());
        case I32 -> memory.toInts();
        default -> {
          byte[] now = new byte[ints.length];
          memory.read(MemorySegment.ofArray(now));
          int[] values = new int[now.length];
          Arrays.setAll(values, i -> now[i]);
          yield values;
        }
      };
    }
  }

  /** The elements that a tensor covers in its block. */
  private record Output(String name, Block block, int[] indices) {
    float[] read() {
      int[] all = block.bits();
      boolean isFloat = block.memory.dtype() == DType.F32;
      float[] values = new float[indices.length];
      for (int i = 0; i < values.length; i++) {
        int bits = all[indices[i]];
        values[i] = isFloat ? Float.intBitsToFloat(bits) : bits;
      }
      return values;
    }
  }

  /**
   * An empty scene.
   *
   * @param backend what launches
   * @param region where its tensors live, and nothing else
   * @param title the case, which seeds all content
   * @param shift how many elements behind a region's own alignment each tensor starts
   * @param variant which of the ways to alias outputs is taken; 0 for none
   */
  public Scene(Backend backend, Region region, String title, int shift, int variant) {
    this.backend = backend;
    this.region = region;
    this.title = title;
    this.shift = shift;
    this.variant = variant;
  }

  /**
   * The backend.
   *
   * @return what launches
   */
  public Backend backend() {
    return backend;
  }

  /**
   * A tensor of normally distributed numbers.
   *
   * @param name its name in the case
   * @param dims its extents
   * @return a tensor that a launch must not change
   */
  public Tensor input(String name, int... dims) {
    Philox random = random(name);
    return input(name, i -> random.nextGaussian(), dims);
  }

  /**
   * A tensor of given numbers.
   *
   * @param name its name in the case
   * @param values the number at each index, asked for in order
   * @param dims its extents
   * @return a tensor that a launch must not change
   */
  public Tensor input(String name, IntToDoubleFunction values, int... dims) {
    Shape shape = Shape.of(dims);
    float[] floats = new float[Math.toIntExact(shape.size()) + 2 * GUARD + shift];
    Arrays.fill(floats, CANARY);
    for (int i = 0; i < shape.size(); i++) {
      floats[GUARD + shift + i] = (float) values.applyAsDouble(i);
    }
    return place(name, shape, DType.F32, floats, new int[0]);
  }

  /**
   * A tensor of given integers.
   *
   * @param name its name in the case
   * @param values its elements
   * @param dims its extents
   * @return a tensor that a launch must not change
   */
  public Tensor integers(String name, int[] values, int... dims) {
    return integers(name, DType.I32, (int) CANARY, values, dims);
  }

  /**
   * A tensor of given integers of 8 bits.
   *
   * @param name its name in the case
   * @param values its elements, in [-128, 127]
   * @param dims its extents
   * @return a tensor that a launch must not change
   */
  public Tensor bytes(String name, int[] values, int... dims) {
    return integers(name, DType.I8, (byte) CANARY, values, dims);
  }

  private Tensor integers(String name, DType dtype, int canary, int[] values, int... dims) {
    int[] ints = new int[values.length + 2 * GUARD + shift];
    Arrays.fill(ints, canary);
    System.arraycopy(values, 0, ints, GUARD + shift, values.length);
    return place(name, Shape.of(dims), dtype, new float[0], ints);
  }

  /**
   * Uniformly distributed integers.
   *
   * @param name their name in the case
   * @param bound the exclusive upper limit
   * @param count how many
   * @return numbers in [0, bound)
   */
  public int[] draw(String name, int bound, int count) {
    Philox random = random(name);
    int[] values = new int[count];
    Arrays.setAll(values, i -> random.nextInt(bound));
    return values;
  }

  /**
   * A tensor to overwrite.
   *
   * @param name its name in the case
   * @param dims its extents
   * @return a tensor full of NaN
   */
  public Tensor output(String name, int... dims) {
    return written(name, input(name, i -> Float.NaN, dims));
  }

  /**
   * A tensor to add to.
   *
   * @param name its name in the case
   * @param dims its extents
   * @return a tensor of normally distributed numbers
   */
  public Tensor accumulated(String name, int... dims) {
    return written(name, input(name, dims));
  }

  /**
   * A matrix that only the launch reads and writes, as {@link Region#allocatePadded} gives it.
   *
   * @param dims its extents
   * @return a tensor that holds nothing
   */
  public Tensor rows(int... dims) {
    return region.allocatePadded(DType.F32, Shape.of(dims));
  }

  /**
   * A tensor to overwrite, which may be one of the inputs: each variant of the case takes another.
   *
   * @param name its name in the case
   * @param inputs what it may be
   * @return a tensor of the inputs' shape, or one of them
   */
  public Tensor outputOrOneOf(String name, Tensor... inputs) {
    variants = inputs.length + 1;
    return variant == 0
        ? output(name, inputs[0].shape().toArray())
        : written(name, inputs[variant - 1]);
  }

  /**
   * Declares that a launch writes a tensor.
   *
   * @param name its name in messages
   * @param tensor a tensor of this scene, or a view of one
   * @return the tensor
   */
  public Tensor written(String name, Tensor tensor) {
    Block block = blockOf(tensor);
    int columns = tensor.dim(-1);
    int[] indices = new int[Math.toIntExact(tensor.size())];
    int start = Math.toIntExact(tensor.offset() - block.memory.offset());
    for (int i = 0; i < indices.length; i++) {
      indices[i] = start + i / columns * tensor.rowStride() + i % columns;
      block.written.set(indices[i]);
    }
    outputs.add(new Output(name, block, indices));
    return tensor;
  }

  /** How many ways to alias its outputs the case has shown. */
  int variants() {
    return variants;
  }

  /** Gives every tensor its content of before. */
  void reset() {
    blocks.forEach(Block::write);
  }

  List<String> outputNames() {
    return outputs.stream().map(Output::name).toList();
  }

  List<float[]> readOutputs() {
    return outputs.stream().map(Output::read).toList();
  }

  /** What changed though no kernel may change it, or an empty text. */
  String damage(boolean launched) {
    for (Block block : blocks) {
      int[] now = block.bits();
      int[] before = block.memory.dtype() == DType.F32 ? bits(block.floats) : block.ints;
      for (int i = 0; i < now.length; i++) {
        if (now[i] != before[i] && !(launched && block.written.get(i))) {
          int index = i - GUARD - shift;
          int size = now.length - 2 * GUARD - shift;
          String where = index < 0 || index >= size ? "outside of it" : "inside of it";
          return block.name + " changed at index " + index + " of " + size + ", " + where;
        }
      }
    }
    return "";
  }

  @Override
  public void close() {
    region.rewind();
  }

  private static byte[] bytes(int[] values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
    return bits;
  }

  private Philox random(String name) {
    return new Philox(title.hashCode(), name.hashCode());
  }

  private Tensor place(String name, Shape shape, DType dtype, float[] floats, int[] ints) {
    Tensor memory = region.allocate(dtype, Shape.of(Math.max(floats.length, ints.length)));
    Block block = new Block(name, memory, floats, ints, new BitSet());
    block.write();
    blocks.add(block);
    return Tensor.over(shape, dtype, memory.storage(), memory.offset() + GUARD + shift);
  }

  private Block blockOf(Tensor tensor) {
    for (Block block : blocks) {
      Tensor memory = block.memory;
      if (memory.storage() == tensor.storage()
          && tensor.offset() >= memory.offset()
          && tensor.offset() < memory.offset() + memory.size()) {
        return block;
      }
    }
    throw new IllegalArgumentException(tensor + " is not of this scene");
  }
}
