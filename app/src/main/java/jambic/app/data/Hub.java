package jambic.app.data;

import jambic.app.data.HubClient.RemoteFile;
import jambic.app.data.HubClient.StatusException;
import jambic.app.terminal.Terminal;
import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.gpt.Gpt;
import jambic.model.io.ErrorText;
import jambic.model.translator.Translator;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds models of GPT-2's architecture, and adapters of them, by the names that they have on the
 * Hugging Face hub: in the user's cache, in that of Hugging Face's tools, else on the hub.
 *
 * <p>Fetched is what opening a checkpoint needs and nothing else; a model of another architecture
 * is refused before its weights are fetched. A file gets its name when all of it is there and its
 * checksum is the hub's; what breaks off stays as {@code .part} and is gone on with; a hub that is
 * busy is asked again. What is in a cache is used without asking it.
 *
 * <p>The environment says what it says to Hugging Face's own tools: {@code HF_ENDPOINT} names
 * another hub, {@code HF_TOKEN} a user's token, {@code HF_HUB_OFFLINE=1} keeps off the network,
 * {@code HF_HUB_CACHE} or {@code HF_HOME} says where those tools' cache is.
 */
public final class Hub implements BaseModelResolver {
  private static final String ENDPOINT = "https://huggingface.co";
  private static final int MOST_ATTEMPTS = 20;
  private static final int MOST_RESTS = 4;

  private final HubClient client;
  private final Path cache;
  private final HuggingFaceCache others;
  private final boolean offline;
  private final Terminal terminal;

  private Hub(
      HubClient client, Path cache, HuggingFaceCache others, boolean offline, Terminal terminal) {
    this.client = client;
    this.cache = cache;
    this.others = others;
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
    HuggingFaceCache others = HuggingFaceCache.of(environment, home);
    return of(environment, cache, others, offline, Duration.ofSeconds(20), terminal);
  }

  static Hub of(
      Map<String, String> environment,
      Path cache,
      HuggingFaceCache others,
      boolean offline,
      Duration patience,
      Terminal terminal) {
    HttpTransfer exchange = new HttpTransfer(EnvironmentProxies.of(environment), patience);
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
        others,
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
                Text.format(
                    "HF_ENDPOINT is \"%s\", which is no address like %s", value, ENDPOINT)));
  }

  /**
   * Whether a text is a name that a model may have on the hub: {@code user/name}, one of OpenAI's
   * or {@code distilgpt2}, each with {@code @revision} or without.
   *
   * @param text what a model is called
   * @return false for a path, and for a word that is the name of none
   */
  public static boolean isName(String text) {
    return ModelId.of(text).isPresent();
  }

  /**
   * The name by which other tools find the same model, which know no revision in a name.
   *
   * @param text what a model is called
   * @return its name; empty if a certain revision is meant
   */
  public static Optional<String> commonName(String text) {
    return ModelId.of(text).filter(ModelId::isNewest).map(ModelId::toString);
  }

  /**
   * The folder of a model, fetched if no cache has it.
   *
   * @param name {@code gpt2}, {@code openai-community/gpt2}, {@code user/name@revision} and so on
   * @return its folder, as a checkpoint is; empty if that is no name of a model
   * @throws JambicException if it cannot be had, or is of another architecture; what came of it is
   *     kept for the next try
   */
  @Override
  public Optional<Path> find(String name) {
    return ModelId.of(name).map(this::folder);
  }

  private Path folder(ModelId model) {
    Path folder =
        cache
            .resolve("hub")
            .resolve(model.owner())
            .resolve(model.name() + (model.isNewest() ? "" : "@" + model.revision("--")));
    try {
      Optional<String> missing = HubFiles.missing(folder);
      if (missing.isEmpty()) {
        return folder;
      }
      Optional<Path> found = others.find(model);
      if (found.isPresent()) {
        return found.get();
      }
      if (offline) {
        throw new JambicException(
            Text.format(
                "%s is not in the cache, as %s lacks %s, and nothing is fetched offline; leave"
                    + " --offline and HF_HUB_OFFLINE out, or give the model's folder",
                model, folder, missing.get()));
      }
      Files.createDirectories(folder);
      try (FileChannel lock =
          FileChannel.open(
              folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        if (lock.tryLock() == null) { // another process does the work for both
          terminal.print("waiting for another jambic, which downloads " + model);
          lock.lock();
        }
        fetch(model, folder);
      } catch (JambicException e) {
        removeUnused(folder);
        throw e;
      }
      return folder;
    } catch (IOException e) {
      throw new JambicException(
          Text.format("cannot keep %s in %s: %s", model, folder, ErrorText.reason(e)), e);
    }
  }

  /** A name that the hub does not know leaves nothing behind; what was fetched stays. */
  private static void removeUnused(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      if (files.anyMatch(file -> !file.endsWith(".lock"))) {
        return;
      }
    }
    try {
      Files.deleteIfExists(folder.resolve(".lock"));
      Files.delete(folder);
      Files.delete(folder.getParent()); // the owner's
    } catch (DirectoryNotEmptyException | NoSuchFileException othersUseIt) {
      // Another model of that owner, or another process.
    }
  }

  /** Fetches all that is missing, the weights last. */
  private void fetch(ModelId model, Path folder) throws IOException {
    boolean described = fetch(model, HubFiles.CONFIG, folder);
    if (described) {
      requireSupported(model, folder);
    } else if (!fetch(model, HubFiles.ADAPTER_CONFIG, folder)) {
      throw lacks(model, HubFiles.CONFIG);
    }
    boolean apart =
        Translator.isIn(folder) && fetch(model, HubFiles.SENTENCE_PIECES.getFirst(), folder);
    if (apart) {
      for (String file : HubFiles.SENTENCE_PIECES) {
        fetch(model, file, folder);
      }
    } else if (!fetch(model, HubFiles.TOKENIZER, folder)) {
      for (String file : HubFiles.GPT2_TOKENIZER) {
        fetch(model, file, folder);
      }
    }
    for (String file : HubFiles.SETTINGS) {
      fetch(model, file, folder);
    }
    if (!(described && fetchWeights(model, folder)) && !fetchAdapters(model, folder)) {
      throw lacks(model, String.join(" or ", described ? HubFiles.WEIGHTS : HubFiles.ADAPTERS));
    }
  }

  /** Better now than after its gigabytes. */
  private static void requireSupported(ModelId model, Path folder) throws IOException {
    try {
      if (Translator.isIn(folder)) {
        Translator.FORMAT.readConfig(folder);
      } else {
        Gpt.FORMAT.readConfig(folder);
      }
    } catch (JambicException e) {
      Files.delete(folder.resolve(HubFiles.CONFIG)); // the hub's may be another one next time
      String reason =
          e.getMessage()
              .replace(folder.resolve(HubFiles.CONFIG).toString(), "its " + HubFiles.CONFIG);
      throw new JambicException(Text.format("%s cannot be used: %s", model, reason), e);
    }
  }

  private boolean fetchWeights(ModelId model, Path folder) throws IOException {
    for (String weights : HubFiles.WEIGHTS) {
      String index = HubFiles.index(weights);
      if (!Files.exists(folder.resolve(index)) && fetch(model, weights, folder)) {
        return true;
      }
      if (fetch(model, index, folder)) {
        for (String shard : HubFiles.shards(folder, weights)) {
          if (!fetch(model, shard, folder)) {
            throw lacks(model, shard);
          }
        }
        return true;
      }
    }
    return false;
  }

  private boolean fetchAdapters(ModelId model, Path folder) throws IOException {
    if (fetch(model, HubFiles.ADAPTER_CONFIG, folder)) {
      for (String weights : HubFiles.ADAPTERS) {
        if (fetch(model, weights, folder)) {
          return true;
        }
      }
    }
    return false;
  }

  private JambicException lacks(ModelId model, String file) {
    return new JambicException(
        Text.format(
            "%s has no %s in %s; check the name, HF_ENDPOINT may name another hub",
            client.endpoint(), file, model.repository()));
  }

  /** Fetches a file that is not there yet; false if the hub has none of that name. */
  private boolean fetch(ModelId model, String name, Path folder) throws IOException {
    Path target = folder.resolve(name);
    Path part = folder.resolve(name + ".part");
    boolean fresh = !Files.exists(part);
    int rests = 0;
    for (int attempt = 1; !Files.exists(target); attempt++) {
      long before = HubClient.length(part);
      try {
        Optional<RemoteFile> found = client.find(model, name);
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
        Text.format(
            "%s; trying again%s",
            e.getMessage(),
            status.retryAfter().isPresent() ? "" : Text.format(" in %d s", wait.toSeconds())));
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
        Text.format(
            "downloading %s from %s, %s%s",
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
                  Text.format("%s of %s", mebibytes(received), mebibytes(file.size()))));
    }
  }

  private boolean matches(RemoteFile file, Path part) throws IOException {
    if (HubClient.length(part) != file.size()) {
      throw new IOException(
          Text.format("%d bytes came instead of %d", HubClient.length(part), file.size()));
    }
    terminal.status("checking " + mebibytes(file.size()));
    return file.hash().isEmpty() || file.hash().get().matches(part);
  }

  private JambicException failure(ModelId model, String name, Path part, IOException e) {
    if (e instanceof StatusException status) {
      Optional<JambicException> refusal = refusal(model, name, status);
      if (refusal.isPresent()) {
        return refusal.get();
      }
    }
    String what = Text.format("cannot download %s of %s from %s: ", name, model, client.endpoint());
    long kept = HubClient.length(part);
    String remedy =
        kept > 0
            ? Text.format("the first %s are kept, the next try goes on from there", mebibytes(kept))
            : "try again, name a mirror with HF_ENDPOINT, or give the model's folder";
    return new JambicException(what + HttpTransfer.reason(e) + "; " + remedy, e);
  }

  /** Why the hub does not give a file, where asking again would change nothing. */
  private Optional<JambicException> refusal(ModelId model, String name, StatusException status) {
    boolean known = client.token().isPresent();
    String sentence =
        switch (status.code()) {
          case StatusException.NO_MODEL ->
              Text.format(
                  "%s has no model %s, or not for everybody; check the name, %s",
                  client.endpoint(),
                  model.repository(),
                  known
                      ? "HF_TOKEN may lack the right to see it"
                      : "or set HF_TOKEN to a token that may see it");
          case StatusException.NO_REVISION ->
              Text.format(
                  "%s has no revision %s of %s; leave it out to take the newest",
                  client.endpoint(), model.revision(), model.repository());
          case StatusException.GATED ->
              Text.format(
                  "%s is only for those who accept its terms; do so at %s/%s, and set HF_TOKEN to a token of yours",
                  model.repository(), client.endpoint(), model.repository());
          default ->
              !status.isRefusal()
                  ? ""
                  : Text.format(
                      "cannot download %s of %s from %s: %s, %s",
                      name,
                      model,
                      client.endpoint(),
                      status.getMessage(),
                      known
                          ? "it does not accept what HF_TOKEN holds"
                          : "it wants to know who asks; set HF_TOKEN to a token of yours");
        };
    return Optional.of(sentence).filter(s -> !s.isEmpty()).map(s -> new JambicException(s, status));
  }

  private static String mebibytes(long bytes) {
    return Text.format("%.1f MiB", bytes / 1048576.0);
  }
}
