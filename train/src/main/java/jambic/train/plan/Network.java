package jambic.train.plan;

import jambic.tensor.text.Text;
import java.util.List;
import java.util.Optional;

/**
 * What devices talk over, as far as planning needs to know it: nodes of some devices each, which
 * are joined by links of two speeds.
 *
 * @param name by which a user picks it
 * @param description for people
 * @param node devices of a node
 * @param inside bytes a second that a device sends within its node
 * @param between bytes a second that it sends to another node
 * @param insideLatency seconds of a message within a node
 * @param betweenLatency seconds of a message between nodes
 */
public record Network(
    String name,
    String description,
    int node,
    double inside,
    double between,
    double insideLatency,
    double betweenLatency) {
  private static final double GB = 1e9;
  private static final double NVLINK_LATENCY = 3e-6;
  private static final double INFINIBAND_LATENCY = 10e-6;
  private static final double TCP_LATENCY = 50e-6;

  /**
   * Those that are known by name. Rates are what collectives reach, less than the lines have: those
   * that reproduce published runs.
   */
  public static final List<Network> KNOWN =
      List.of(
          new Network(
              "a100-hdr",
              "nodes of 8 A100 on NVLink, an InfiniBand HDR adapter a device",
              8,
              230 * GB,
              22 * GB,
              NVLINK_LATENCY,
              INFINIBAND_LATENCY),
          new Network(
              "h100-ndr",
              "nodes of 8 H100 on NVLink, an InfiniBand NDR adapter a device",
              8,
              360 * GB,
              45 * GB,
              NVLINK_LATENCY,
              INFINIBAND_LATENCY),
          ethernet("ethernet-100g", "100 Gbit/s", 100),
          ethernet("ethernet-10g", "10 Gbit/s", 10),
          ethernet("ethernet-1g", "1 Gbit/s", 1));

  private static Network ethernet(String name, String speed, int gigabits) {
    double bytes = 0.9 * gigabits * GB / 8;
    return new Network(
        name,
        "machines of one device each on Ethernet of " + speed,
        1,
        bytes,
        bytes,
        TCP_LATENCY,
        TCP_LATENCY);
  }

  /**
   * Finds a known network.
   *
   * @param name its name
   * @return the network, or empty if none has that name
   */
  public static Optional<Network> named(String name) {
    return KNOWN.stream().filter(network -> network.name.equalsIgnoreCase(name)).findFirst();
  }

  /**
   * The network that a device usually comes with.
   *
   * @param device its name
   * @return that of its nodes, or Ethernet
   */
  public static Network of(String device) {
    return switch (device) {
      case "a100", "a100-40gb" -> named("a100-hdr").orElseThrow();
      case "h100", "h200", "b200" -> named("h100-ndr").orElseThrow();
      case "cpu" -> named("ethernet-10g").orElseThrow();
      default -> named("ethernet-100g").orElseThrow();
    };
  }

  /**
   * The time that it takes to sum as many bytes of each device on all of them. Within a node each
   * device sums a part; over nodes the devices of the same part sum theirs, in a ring or a tree,
   * whichever is faster; then each node gathers the parts.
   *
   * @param devices how many
   * @param bytes of each
   * @return seconds
   */
  public double allReduce(int devices, double bytes) {
    if (devices <= node) {
      return ring(devices, bytes, inside, insideLatency);
    }
    int nodes = Math.ceilDiv(devices, node);
    double part = bytes / node;
    return ring(node, bytes, inside, insideLatency)
        + Math.min(
            ring(nodes, part, between, betweenLatency), tree(nodes, part, between, betweenLatency));
  }

  private static double ring(int count, double bytes, double rate, double latency) {
    return count == 1 ? 0 : 2.0 * (count - 1) / count * bytes / rate + 2 * (count - 1) * latency;
  }

  private static double tree(int count, double bytes, double rate, double latency) {
    int levels = Integer.SIZE - Integer.numberOfLeadingZeros(count - 1);
    return count == 1 ? 0 : 2 * bytes / rate + 2 * levels * latency;
  }

  /** The name and what it is. */
  @Override
  public String toString() {
    return Text.format("%s (%s)", name, description);
  }
}
