package jambic.tensor.cpu.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width of the CPU backend: what the machine prefers, or the system property {@code
 * jambic.vector.bits} (128, 256 or 512), which tests use to run every width on one machine.
 */
public final class Lanes {
  private static final String PROPERTY = "jambic.vector.bits";

  /** The species of every float kernel; a constant, so that the compiler sees the width. */
  public static final VectorSpecies<Float> F = species(System.getProperty(PROPERTY, ""));

  /**
   * Whether there are 32 vector registers rather than 16: AVX-512 and NEON have them. A narrower
   * width asked for on an AVX-512 machine is treated as the machine it stands for.
   */
  public static final boolean MANY_REGISTERS =
      F.length() >= 16 || System.getProperty("os.arch").equals("aarch64");

  /**
   * {@code LOW.selectFrom(x, y)} is {@code x0 y0 x1 y1 ...}: the first half of the interleaving of
   * two vectors.
   */
  public static final FloatVector LOW = interleaving(0);

  /** The second half. */
  public static final FloatVector HIGH = interleaving(F.length() / 2);

  private Lanes() {}

  private static FloatVector interleaving(int from) {
    float[] order = new float[F.length()];
    for (int i = 0; i < order.length; i++) {
      order[i] = from + i / 2 + i % 2 * order.length;
    }
    return FloatVector.fromArray(F, order, 0);
  }

  private static VectorSpecies<Float> species(String bits) {
    return switch (bits) {
      case "" -> preferred();
      case "128" -> FloatVector.SPECIES_128;
      case "256" -> FloatVector.SPECIES_256;
      case "512" -> FloatVector.SPECIES_512;
      default ->
          throw new IllegalArgumentException(
              PROPERTY + " must be 128, 256 or 512, got \"" + bits + "\"");
    };
  }

  /** The kernels know 4, 8 and 16 lanes. */
  private static VectorSpecies<Float> preferred() {
    VectorSpecies<Float> widest = FloatVector.SPECIES_PREFERRED;
    if (widest.vectorBitSize() < 128) {
      return FloatVector.SPECIES_128;
    }
    return widest.vectorBitSize() <= 512
        ? widest.withLanes(float.class)
        : VectorSpecies.of(float.class, VectorShape.S_512_BIT);
  }
}
