package jambic.cuda;

import jambic.tensor.DType;
import java.util.List;

/** An opened device: what the families of kernels stand on. */
final class Gpu implements AutoCloseable {
  private final Device device;
  private final Context context;
  private final DeviceMemory memory;
  private final Stream stream;
  private final Stream uploads;
  private final Staging staging;
  private final Scratch scratch;
  private final ConstantTables tables;
  private final Bf16Weights copies;
  private final Kernels kernels;

  /** Takes the context over: closing this closes it. */
  Gpu(Device device, Context context, KernelCompiler compiler) {
    this.device = device;
    this.context = context;
    memory = new DeviceMemory(context);
    stream = new Stream(context);
    uploads = new Stream(context);
    staging = new Staging(stream);
    scratch = new Scratch(memory);
    tables = new ConstantTables(memory, uploads);
    copies = new Bf16Weights(this);
    kernels = new Kernels(compiler, device, stream, copies);
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
  ConstantTables tables() {
    return tables;
  }

  /** Copies of weights in bfloat16. */
  Bf16Weights copies() {
    return copies;
  }

  /**
   * The kernels of a source file, compiled for this device when first asked for.
   *
   * @param source a resource beside this class, such as {@code norm.cu}
   * @param storage the type of the activations that they read and write
   * @param defines more macros, such as {@code HEAD=64}
   */
  KernelModule kernels(String source, DType storage, String... defines) {
    return kernels.load(source, storage, List.of(defines));
  }

  @Override
  public void close() {
    stream.synchronize();
    kernels.close();
    tables.close();
    scratch.close();
    staging.close();
    uploads.close();
    stream.close();
    context.close();
  }
}
