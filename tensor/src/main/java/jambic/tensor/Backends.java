package jambic.tensor;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.BackendProvider;
import jambic.tensor.spi.BackendProvider.Unavailable;
import jambic.tensor.spi.UnavailableException;
import jambic.tensor.text.Text;
import java.lang.System.Logger.Level;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Finds and opens backends by name. */
public final class Backends {
  /** The most CPU threads that a backend may be given. */
  public static final int MAX_THREADS = 1024;

  private Backends() {}

  /**
   * What {@code auto} comes to.
   *
   * @param backend the best that works here, open
   * @param passedOver the better ones by name, the best first, and why each does not work
   */
  public record Choice(Backend backend, Map<String, Unavailable> passedOver) {}

  /**
   * Every backend on the module path, the most willing first.
   *
   * @return the providers, whether they work here or not
   */
  public static List<BackendProvider> providers() {
    return ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .sorted(Comparator.comparingInt(BackendProvider::priority).reversed())
        .toList();
  }

  /**
   * Opens a backend.
   *
   * @param name a provider's name, or {@code auto} for the best that works here
   * @param threads how many CPU threads it may use, from 1 to {@value #MAX_THREADS}
   * @return the open backend
   * @throws JambicException if there is none of that name, or it does not work here: why, and what
   *     to do
   */
  public static Backend open(String name, int threads) {
    return open(name, threads, Precision.BEST);
  }

  /**
   * Opens a backend for a way to compute.
   *
   * @param name a provider's name, or {@code auto} for the best that works here
   * @param threads how many CPU threads it may use, from 1 to {@value #MAX_THREADS}
   * @param precision what to compute with
   * @return the open backend
   * @throws JambicException if there is none of that name, it does not work here, or it does not
   *     compute so: why, and what to do
   */
  public static Backend open(String name, int threads, Precision precision) {
    requireThreads(threads);
    if (name.equals("auto")) {
      return choose(threads, _ -> precision).backend();
    }
    List<BackendProvider> providers = providers();
    for (BackendProvider provider : providers) {
      if (name.equals(provider.name())) {
        return open(provider, threads, precision);
      }
    }
    throw unknown(name, providers);
  }

  /**
   * Opens the best backend that works here, with a thread for every processor. Why a better one
   * does not, and what to do about it, the logger {@code jambic.tensor} says: as a warning if that
   * leaves only the slow reference backend.
   *
   * @return the open backend
   */
  public static Backend open() {
    Choice choice = choose(processors(), _ -> Precision.BEST);
    choice.passedOver().forEach((name, missing) -> log(choice.backend(), name, missing));
    return choice.backend();
  }

  /**
   * Opens the best backend that works here: of those that do not, one after the other says why.
   *
   * @param threads how many CPU threads it may use, from 1 to {@value #MAX_THREADS}
   * @param precision what each would have to compute with, by its name
   * @return the open backend, and what is to be said of others
   * @throws JambicException if the one that works does not compute so
   */
  public static Choice choose(int threads, Function<String, Precision> precision) {
    requireThreads(threads);
    List<BackendProvider> providers = providers();
    Map<String, Unavailable> passedOver = new LinkedHashMap<>();
    for (BackendProvider provider : providers) {
      try {
        Backend backend = open(provider, threads, precision.apply(provider.name()));
        return new Choice(backend, passedOver);
      } catch (UnavailableException e) {
        passedOver.put(provider.name(), e.why());
      } catch (JambicException e) {
        throw passedOver.isEmpty() ? e : new JambicException(because(e, passedOver), e);
      }
    }
    throw unknown("auto", providers);
  }

  /** Whoever asked for what only a better one can is told why that one is not here. */
  private static String because(JambicException refusal, Map<String, Unavailable> passedOver) {
    return passedOver.entrySet().stream()
        .map(better -> Text.format("; no %s here: %s", better.getKey(), better.getValue().reason()))
        .collect(Collectors.joining("", refusal.getMessage(), ""));
  }

  private static Backend open(BackendProvider provider, int threads, Precision precision) {
    if (provider.probe() instanceof Unavailable missing) {
      throw new UnavailableException(provider.name(), missing);
    }
    return provider.open(threads, precision);
  }

  /**
   * A thread for every processor, as far as a backend takes them.
   *
   * @return how many threads
   */
  public static int processors() {
    return Math.min(Runtime.getRuntime().availableProcessors(), MAX_THREADS);
  }

  private static void requireThreads(int threads) {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new JambicException(
          Text.format("threads must be from 1 to %d, not %d", MAX_THREADS, threads));
    }
  }

  private static void log(Backend backend, String better, Unavailable missing) {
    System.getLogger("jambic.tensor")
        .log(
            backend.name().equals("reference") ? Level.WARNING : Level.DEBUG,
            "computing on the backend {0}, because {1} is not available: {2}; {3}",
            backend.name(),
            better,
            missing.reason(),
            missing.remedy());
  }

  private static JambicException unknown(String name, List<BackendProvider> providers) {
    return new JambicException(
        Text.format(
            "there is no backend %s; choose auto or one of %s",
            name, String.join(", ", providers.stream().map(BackendProvider::name).toList())));
  }
}
