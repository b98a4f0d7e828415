package jambic.app.data;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.data.HubClient.RemoteFile;
import jambic.app.data.HubClient.StatusException;
import jambic.app.terminal.Terminal;
import jambic.model.BaseModels;
import jambic.model.Wording;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds OpenAI's released models by their names: in the user's cache, else on the Hugging Face hub.
 *
 * <p>Fetched is what opening a checkpoint needs and nothing else. A file gets its name when all of
 * it is there and its checksum is the hub's; what breaks off stays as {@code .part} and is gone on
 * with; a hub that is busy is asked again. What is in the cache is used without asking it.
 *
 * <p>The environment says what it says to Hugging Face's own tools: {@code HF_ENDPOINT} names
 * another hub, {@code HF_TOKEN} a user's token, {@code HF_HUB_OFFLINE=1} keeps off the network.
 */
public final class Hub implements BaseModels {
  /** The names of the models. */
  public static final List<String> MODELS = List.of("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl");

  private static final String OWNER = "openai-community";
  private static final String ENDPOINT = "https://huggingface.co";
  private static final List<String> DESCRIPTION =
      List.of("config.json", "vocab.json", "merges.txt");
  private static final String WEIGHTS = "model.safetensors";
  private static final String INDEX = WEIGHTS + ".index.json";
  private static final int MOST_ATTEMPTS = 20;
  private static final int MOST_RESTS = 4;

  private final HubClient client;
  private final Path cache;
  private final boolean offline;
  private final Terminal terminal;

  Hub(HubClient client, Path cache, boolean offline, Terminal terminal) {
    this.client = client;
    this.cache = cache;
    this.offline = offline;
    this.terminal = terminal;
  }

  /**
   * The hub within this process's reach.
   *
   * @param offline whether to keep off the network, whatever the environment says
   * @param terminal where to say what is done
   * @return a finder of models
   * @throws JambicException if {@code HF_ENDPOINT} is no address
   */
  public static Hub of(boolean offline, Terminal terminal) {
    Path home = Path.of(System.getProperty("user.home"));
    Map<String, String> environment = System.getenv();
    Path cache = CacheFolder.of(System.getProperty("os.name"), environment, home);
    return of(environment, cache, offline, Duration.ofSeconds(20), terminal);
  }

  static Hub of(
      Map<String, String> environment,
      Path cache,
      boolean offline,
      Duration patience,
      Terminal terminal) {
    Exchange exchange = new Exchange(EnvironmentProxies.of(environment), patience);
    Optional<String> token =
        Optional.of(environment.getOrDefault("HF_TOKEN", "").strip()).filter(t -> !t.isEmpty());
    if (token.filter(t -> !t.matches("[\\x21-\\x7e]+")).isPresent()) {
      throw new JambicException(
          "HF_TOKEN has spaces, line breaks or other characters that no token has; set it anew");
    }
    String off = environment.getOrDefault("HF_HUB_OFFLINE", "").toUpperCase(Locale.ROOT);
    return new Hub(
        new HubClient(exchange, endpoint(environment), token),
        cache,
        offline || Set.of("1", "ON", "YES", "TRUE").contains(off),
        terminal);
  }

  private static URI endpoint(Map<String, String> environment) {
    String value = environment.getOrDefault("HF_ENDPOINT", "");
    String plain = (value.isEmpty() ? ENDPOINT : value).replaceFirst("/+$", "");
    return HubClient.address(plain)
        .filter(uri -> uri.getRawQuery() == null && uri.getRawFragment() == null)
        .orElseThrow(() ->
            new JambicException(
                "HF_ENDPOINT is \"%s\", which is no address like %s".formatted(value, ENDPOINT)));
  }

  /**
   * Finds a model by its name, which its owner's may precede as PEFT writes it.
   *
   * @param name {@code gpt2}, {@code openai-community/gpt2} and so on
   * @return as {@link #folder}; empty if it is none of {@link #MODELS}
   */
  @Override
  public Optional<Path> find(String name) {
    String model = name.startsWith(OWNER + "/") ? name.substring(OWNER.length() + 1) : name;
    return Optional.of(model).filter(MODELS::contains).map(this::folder);
  }

  /**
   * The folder of a model, fetched if it is not in the cache.
   *
   * @param model one of {@link #MODELS}
   * @return its folder, as a checkpoint is
   * @throws JambicException if it cannot be had; what came of it is kept for the next try
   */
  public Path folder(String model) {
    Path folder = cache.resolve("hub").resolve(OWNER).resolve(model);
    try {
      Optional<String> missing = missing(folder);
      if (missing.isEmpty()) {
        return folder;
      }
      if (offline) {
        throw new JambicException(
            ("%s is not in the cache, as %s lacks %s, and nothing is fetched offline; leave"
                    + " --offline and HF_HUB_OFFLINE out, or give the model's folder")
                .formatted(model, folder, missing.get()));
      }
      Files.createDirectories(folder);
      try (FileChannel lock =
          FileChannel.open(
              folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        if (lock.tryLock() == null) { // another process does the work for both
          terminal.print("waiting for another jambic, which downloads " + model);
          lock.lock();
        }
        for (String file : DESCRIPTION) {
          require(model, file, folder);
        }
        fetchWeights(model, folder);
      }
      return folder;
    } catch (IOException e) {
      throw new JambicException(
          "cannot keep %s in %s: %s".formatted(model, folder, Wording.reason(e)), e);
    }
  }

  /** A file that a folder lacks. */
  private static Optional<String> missing(Path folder) throws IOException {
    String weights =
        Files.exists(folder.resolve(INDEX)) && !Files.exists(folder.resolve(WEIGHTS))
            ? INDEX
            : WEIGHTS;
    Stream<String> shards =
        weights.equals(INDEX) ? shards(folder.resolve(INDEX)).stream() : Stream.of();
    return Stream.of(DESCRIPTION.stream(), Stream.of(weights), shards)
        .flatMap(names -> names)
        .filter(name -> !Files.exists(folder.resolve(name)))
        .findFirst();
  }

  private void fetchWeights(String model, Path folder) throws IOException {
    if (Files.exists(folder.resolve(INDEX)) || !fetch(model, WEIGHTS, folder)) {
      require(model, INDEX, folder);
      for (String shard : shards(folder.resolve(INDEX))) {
        require(model, shard, folder);
      }
    }
  }

  /** The files that an index lists; it comes from elsewhere and must not lead out of its folder. */
  private static Set<String> shards(Path index) throws IOException {
    Map<String, Object> json = JSON.std.mapFrom(Files.readString(index));
    Set<String> shards = new LinkedHashSet<>();
    if (json.get("weight_map") instanceof Map<?, ?> weightMap) {
      weightMap.values().forEach(name -> shards.add(String.valueOf(name)));
    }
    for (String shard : shards) {
      if (!shard.matches("[\\w-]+\\.safetensors")) {
        throw new JambicException(
            "%s names the file \"%s\", which is not one of the model's".formatted(index, shard));
      }
    }
    return shards;
  }

  private void require(String model, String file, Path folder) throws IOException {
    if (!fetch(model, file, folder)) {
      throw new JambicException(
          "%s has no %s in %s/%s; HF_ENDPOINT may name another hub"
              .formatted(client.endpoint(), file, OWNER, model));
    }
  }

  /** Fetches a file that is not there yet; false if the hub has none of that name. */
  private boolean fetch(String model, String name, Path folder) throws IOException {
    Path target = folder.resolve(name);
    Path part = folder.resolve(name + ".part");
    boolean fresh = !Files.exists(part);
    int rests = 0;
    for (int attempt = 1; !Files.exists(target); attempt++) {
      long before = HubClient.length(part);
      try {
        Optional<RemoteFile> found = client.find(OWNER + "/" + model, name);
        if (found.isEmpty()) {
          return false;
        }
        fresh |= drop(part, found.get());
        fetch(found.get(), name, part);
        if (matches(found.get(), part)) {
          Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } else {
          Files.delete(part);
          if (fresh) { // else the part may have been of another version
            throw new IOException("what came is another file, its checksum is not the hub's");
          }
          fresh = true;
        }
      } catch (FileSystemException e) {
        throw e;
      } catch (IOException e) {
        boolean grown = HubClient.length(part) > before;
        boolean again = grown && attempt < MOST_ATTEMPTS || rests < MOST_RESTS && rest(e, rests++);
        if (!again) {
          throw failure(model, name, part, e);
        }
      } finally {
        terminal.clear();
      }
    }
    return true;
  }

  /** Waits for a server that is busy, longer each time; false if it is not, or would take long. */
  private boolean rest(IOException e, int before) throws IOException {
    if (!(e instanceof StatusException status && status.isBusy())) {
      return false;
    }
    Duration patience = client.exchange().patience();
    Duration wait = status.retryAfter().orElse(patience.dividedBy(20).multipliedBy(1L << before));
    if (wait.compareTo(patience.multipliedBy(3)) > 0) {
      return false;
    }
    terminal.print(
        "%s; trying again%s"
            .formatted(
                e.getMessage(),
                status.retryAfter().isPresent() ? "" : " in %d s".formatted(wait.toSeconds())));
    try {
      Thread.sleep(wait);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
    return true;
  }

  /** Drops a part that cannot be one of that file. */
  private static boolean drop(Path part, RemoteFile file) throws IOException {
    return HubClient.length(part) > file.size() && Files.deleteIfExists(part);
  }

  private void fetch(RemoteFile file, String name, Path part) throws IOException {
    long have = HubClient.length(part);
    terminal.print(
        "downloading %s from %s, %s%s"
            .formatted(
                name,
                client.endpoint(),
                mebibytes(file.size()),
                have == 0 ? "" : ", going on after " + mebibytes(have)));
    if (have < file.size() || file.size() == 0) {
      client.fetch(
          file,
          part,
          received ->
              terminal.status(
                  "",
                  (double) received / file.size(),
                  "%s of %s".formatted(mebibytes(received), mebibytes(file.size()))));
    }
  }

  private boolean matches(RemoteFile file, Path part) throws IOException {
    if (HubClient.length(part) != file.size()) {
      throw new IOException(
          "%d bytes came instead of %d".formatted(HubClient.length(part), file.size()));
    }
    terminal.status("checking " + mebibytes(file.size()));
    return file.hash().isEmpty() || file.hash().get().matches(part);
  }

  private JambicException failure(String model, String name, Path part, IOException e) {
    String what = "cannot download %s of %s from %s: ".formatted(name, model, client.endpoint());
    if (e instanceof StatusException status && status.isRefusal()) {
      return new JambicException(
          what
              + e.getMessage()
              + (client.token().isEmpty()
                  ? ", it wants to know who asks; set HF_TOKEN to a token of yours"
                  : ", it does not accept what HF_TOKEN holds"),
          e);
    }
    long kept = HubClient.length(part);
    String remedy =
        kept > 0
            ? "the first %s are kept, the next try goes on from there".formatted(mebibytes(kept))
            : "try again, name a mirror with HF_ENDPOINT, or give the model's folder";
    return new JambicException(what + Exchange.reason(e) + "; " + remedy, e);
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0);
  }
}
