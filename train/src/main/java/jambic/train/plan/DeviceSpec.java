package jambic.train.plan;

import jambic.tensor.Precision;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a run may compute on, as far as planning needs to know it.
 *
 * @param name by which a user picks it
 * @param description for people
 * @param peak operations a second at best, dense; empty if nobody knows
 * @param precision what the peak and the memory of a run are reckoned in: FP32, or BF16 for mixed
 * @param memory bytes
 */
public record DeviceSpec(
    String name, String description, OptionalDouble peak, Precision precision, long memory) {

  /** The accelerators that are known by name, with the peaks and memories of their data sheets. */
  public static final List<DeviceSpec> KNOWN =
      List.of(
          known("v100", "NVIDIA V100 SXM2 32 GB, fp16", 125, 32),
          known("t4", "NVIDIA T4, fp16", 65, 16),
          known("a10", "NVIDIA A10, bf16", 125, 24),
          known("a100-40gb", "NVIDIA A100 40 GB, bf16", 312, 40),
          known("a100", "NVIDIA A100 80 GB, bf16", 312, 80),
          known("l4", "NVIDIA L4, bf16", 121, 24),
          known("l40s", "NVIDIA L40S, bf16", 362, 48),
          known("h100-pcie", "NVIDIA H100 PCIe, bf16", 756, 80),
          known("h100", "NVIDIA H100 SXM, bf16", 989.4, 80),
          known("h200", "NVIDIA H200 SXM, bf16", 989.4, 141),
          known("b200", "NVIDIA B200, bf16", 2250, 180),
          known("rtx3090", "NVIDIA GeForce RTX 3090, bf16", 71, 24),
          known("rtx4090", "NVIDIA GeForce RTX 4090, bf16", 165.2, 24),
          known("mi250x", "AMD MI250X, bf16", 383, 128),
          known("mi300x", "AMD MI300X, bf16", 1307.4, 192),
          known("tpu-v4", "Google TPU v4, bf16", 275, 32),
          known("tpu-v5e", "Google TPU v5e, bf16", 197, 16),
          known("tpu-v5p", "Google TPU v5p, bf16", 459, 95));

  private static DeviceSpec known(
      String name, String description, double teraflops, int gigabytes) {
    return new DeviceSpec(
        name,
        description,
        OptionalDouble.of(teraflops * 1e12),
        Precision.BF16,
        gigabytes * 1_000_000_000L);
  }

  /**
   * Finds a known accelerator.
   *
   * @param name its name
   * @return the device, or empty if none has that name
   */
  public static Optional<DeviceSpec> named(String name) {
    return KNOWN.stream().filter(device -> device.name.equalsIgnoreCase(name)).findFirst();
  }
}
