package jambic.cuda;

import jambic.tensor.DType;

/** An opened device: what the families of kernels stand on. */
final class Gpu implements AutoCloseable {
  private final Device device;
  private final Context context;
  private final DeviceMemory memory;
  private final Stream stream;
  private final Stream copies;
  private final Staging staging;
  private final Scratch scratch;
  private final Tables tables;
  private final Kernels kernels;

  Gpu(Device device, KernelCompiler compiler) {
    this.device = device;
    context = new Context(device);
    memory = new DeviceMemory(context);
    stream = new Stream(context);
    copies = new Stream(context);
    staging = new Staging(stream);
    scratch = new Scratch(memory);
    tables = new Tables(memory, copies);
    kernels = new Kernels(compiler, device, stream);
  }

  Device device() {
    return device;
  }

  /** Where everything is launched. */
  Stream stream() {
    return stream;
  }

  DeviceMemory memory() {
    return memory;
  }

  Staging staging() {
    return staging;
  }

  /** Memory for the length of a launch. */
  Scratch scratch() {
    return scratch;
  }

  /** Constant tables. */
  Tables tables() {
    return tables;
  }

  /**
   * The kernels of a source file, compiled for this device when first asked for.
   *
   * @param source a resource beside this class, such as {@code norm.cu}
   */
  KernelModule kernels(String source) {
    return kernels.load(source);
  }

  /** A kernel's name for an element type: {@code gelu} becomes {@code gelu_bf16}. */
  static String named(String verb, DType dtype) {
    return switch (dtype) {
      case F32 -> verb + "_f32";
      case BF16 -> verb + "_bf16";
      case I32 -> throw new IllegalArgumentException(verb + " of integers");
    };
  }

  @Override
  public void close() {
    stream.synchronize();
    kernels.close();
    tables.close();
    scratch.close();
    staging.close();
    copies.close();
    stream.close();
    context.close();
  }
}
