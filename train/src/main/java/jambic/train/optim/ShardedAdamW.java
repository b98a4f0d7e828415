package jambic.train.optim;

import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.OptimizerKernels.NormPieces;
import jambic.tensor.spi.Region;
import jambic.train.parallel.Shards;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * AdamW over ranks of which each keeps the moments of its shard only and updates that, as ZeRO's
 * first stage has it (Rajbhandari et al., 2020). The bits are those of {@link AdamW}.
 */
public final class ShardedAdamW implements Optimizer {
  private final Backend backend;
  private final Shards shards;
  private final GradientClip clip;
  private final NormPieces pieces;
  private final SequencedMap<String, Tensor> parameters = new LinkedHashMap<>(); // trained
  private final List<Tensor> gradients; // of the shard
  private final AdamW mine;
  private final Program updating;

  /**
   * Optimizes some parameters, of those that have gradients; the moments start at 0.
   *
   * @param backend where it computes, which knows the norm by pieces
   * @param region where this rank's moments live
   * @param parameters what it updates, by name
   * @param settings betas, eps and decay
   * @param clip limits the gradients of the parameters
   * @param shards of these gradients
   */
  public ShardedAdamW(
      Backend backend,
      Region region,
      Map<String, Tensor> parameters,
      AdamW.Settings settings,
      GradientClip clip,
      Shards shards) {
    this.backend = backend;
    this.shards = shards;
    this.clip = clip;
    pieces =
        backend
            .optimizer()
            .normPieces()
            .filter(norm -> Shards.PIECE % norm.size() == 0)
            .orElseThrow();
    List<AdamW.Target> whole = AdamW.Target.of(parameters);
    whole.forEach(target -> this.parameters.put(target.name(), target.values()));
    List<AdamW.Target> parts = new ArrayList<>();
    for (Shards.Part part : shards.mine()) {
      AdamW.Target of = whole.get(part.tensor());
      parts.add(
          new AdamW.Target(of.name(), part.of(of.values()), part.of(of.grad()), of.isMatrix()));
    }
    gradients = parts.stream().map(AdamW.Target::grad).toList();
    mine = new AdamW(backend, region, parts, settings, clip.factor());
    updating = backend.capture(mine::update);
  }

  /**
   * Whether a backend can update shards.
   *
   * @param backend where it would compute
   * @return true if it knows the norm of gradients by pieces
   */
  public static boolean isPossible(Backend backend) {
    return backend
        .optimizer()
        .normPieces()
        .filter(norm -> Shards.PIECE % norm.size() == 0)
        .isPresent();
  }

  @Override
  public boolean isSharded() {
    return true;
  }

  /** {@inheritDoc} Here this rank's part of it. */
  @Override
  public SequencedMap<String, Tensor> state() {
    return mine.state();
  }

  @Override
  public SequencedMap<String, Moment> moments() {
    SequencedMap<String, Moment> moments = new LinkedHashMap<>();
    int index = 0;
    for (Map.Entry<String, Tensor> parameter : parameters.entrySet()) {
      for (String kind : List.of("m.", "v.")) {
        String name = kind + parameter.getKey();
        Optional<Tensor> part = Optional.ofNullable(mine.state().get(name));
        moments.put(name, new Sharded(shards, index, parameter.getValue().shape(), part));
      }
      index++;
    }
    return moments;
  }

  @Override
  public List<Tensor> trained() {
    return List.copyOf(parameters.values());
  }

  @Override
  public void prepare(int t, double lr) {
    mine.prepare(t, lr);
  }

  /** Updates all parameters: each rank does its shard. */
  @Override
  public void update() {
    double[] partial = new double[shards.pieces() * (Shards.PIECE / pieces.size())];
    backend.launch(() -> pieces.sumSquares(partial, gradients));
    clip.set(shards.sumOverRow(partial));
    updating.run();
    shards.gather(trained());
  }

  /** A moment of which each rank has a part, or none. */
  private record Sharded(Shards shards, int index, Shape shape, Optional<Tensor> mine)
      implements Moment {
    @Override
    public float[] values() {
      return shards.collect(index, mine);
    }

    @Override
    public void set(float[] values) {
      for (Shards.Part part : shards.mine()) {
        if (part.tensor() == index) {
          float[] own = new float[part.count()];
          System.arraycopy(values, part.from(), own, 0, own.length);
          mine.orElseThrow().set(own);
        }
      }
    }
  }
}
