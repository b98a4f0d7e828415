package jambic.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.app.terminal.Terminal;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a hub and its storage on this machine: two servers, as the real ones are. */
@Timeout(30)
class HubTest {
  private static final byte[] WEIGHTS = "0123456789abcdef".repeat(20_000).getBytes();
  private static final String CONFIG =
      """
      {"model_type": "gpt2", "vocab_size": 9, "n_positions": 8, "n_layer": 1, "n_head": 1, "n_embd": 4}
      """;
  private static final Pattern RANGE = Pattern.compile("(?i)range: bytes=(\\d+)-");

  @TempDir Path cache;
  @TempDir Path others;
  private final Map<String, byte[]> small = new HashMap<>();
  private final Map<String, byte[]> large = new HashMap<>();
  private final StringWriter said = new StringWriter();
  private Function<byte[], byte[]> sent = whole -> whole; // what the storage delivers of a file
  private int shift; // by which it sends later bytes than a range asks for
  private boolean unasked; // whether it sends a range that nobody asked for
  private String refusal = "";
  private int refusals = Integer.MAX_VALUE; // how often it is said
  private LoopbackServer hub;
  private LoopbackServer storage;
  private Path folder;

  @BeforeEach
  void start() {
    small.put("config.json", CONFIG.getBytes(StandardCharsets.UTF_8));
    for (String name : List.of("vocab.json", "merges.txt")) {
      small.put(name, ("{} of " + name).getBytes(StandardCharsets.UTF_8));
    }
    large.put("model.safetensors", WEIGHTS);
    hub = LoopbackServer.answering(this::hubAnswer);
    storage = LoopbackServer.answering(this::storageAnswer);
    folder = cache.resolve("hub/openai-community/gpt2");
  }

  @AfterEach
  void stop() throws IOException {
    hub.close();
    storage.close();
  }

  @Test
  void fetchesWhatACheckpointNeedsOnceAndKeepsTheTokenForTheHub() throws IOException {
    assertThat(hub(Map.of("HF_TOKEN", "hf_secret")).find("gpt2")).contains(folder);
    assertThat(files())
        .containsExactlyInAnyOrder(
            ".lock", "config.json", "vocab.json", "merges.txt", "model.safetensors");
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(folder.resolve("vocab.json")).hasBinaryContent(small.get("vocab.json"));
    assertThat(hub.heads()).allMatch(head -> head.contains("Bearer hf_secret"));
    assertThat(storage.heads()).hasSize(1).noneMatch(head -> head.contains("hf_secret"));
    assertThat(said.toString())
        .contains("downloading model.safetensors from " + endpoint() + ", 0.3 MiB");
    int asked = hub.requests().size();
    assertThat(hub(Map.of()).find("gpt2")).contains(folder);
    assertThat(hub.requests()).hasSize(asked);
  }

  @Test
  void aTranslatorComesWithTheTokenizersOfBothLanguages() throws IOException {
    Path opus = Path.of("../model/src/test/resources/jambic/model/opus_tiny");
    for (String name : List.of("config.json", "source.spm", "target.spm", "vocab.json")) {
      small.put(name, Files.readAllBytes(opus.resolve(name)));
    }
    Path translator = cache.resolve("hub/me/opus");
    assertThat(hub(Map.of()).find("me/opus")).contains(translator);
    for (String name : List.of("config.json", "source.spm", "target.spm", "vocab.json")) {
      assertThat(translator.resolve(name)).hasBinaryContent(small.get(name));
    }
    assertThat(translator.resolve("merges.txt")).doesNotExist();
  }

  @Test
  void aModelIsFoundByItsNameWithItsOwnerOrByTheShortOneOfOld() {
    assertThat(hub(Map.of()).find("openai-community/gpt2")).contains(folder);
    assertThat(hub(Map.of()).find("gpt2")).contains(folder);
    Path hubFolder = cache.resolve("hub");
    assertThat(hub(Map.of()).find("distilgpt2"))
        .contains(hubFolder.resolve("distilbert/distilgpt2"));
    assertThat(hub(Map.of()).find("some-body/My.Model_2"))
        .contains(hubFolder.resolve("some-body/My.Model_2"));
    assertThat(hub.requests())
        .contains("HEAD /some-body/My.Model_2/resolve/main/config.json HTTP/1.1");
    assertThat(hub(Map.of()).find("../gpt2")).isEmpty();
    assertThat(hub(Map.of()).find("gpt3")).isEmpty();
  }

  @Test
  void aRevisionIsAnotherModel() throws IOException {
    Path revised = folder.resolveSibling("gpt2@v1.0");
    assertThat(hub(Map.of()).find("gpt2@v1.0")).contains(revised);
    assertThat(hub.requests())
        .contains("HEAD /openai-community/gpt2/resolve/v1.0/config.json HTTP/1.1");
    assertThat(hub(Map.of()).find("me/m@refs/pr/1"))
        .contains(cache.resolve("hub/me/m@refs--pr--1"));
    assertThat(hub.requests()).contains("HEAD /me/m/resolve/refs%2Fpr%2F1/config.json HTTP/1.1");
    assertThat(folder).doesNotExist();
    assertThat(hub(Map.of()).find("gpt2@main")).contains(folder);
  }

  @Test
  void fetchesATokenizerInOneFileAndAllThatChangesAResult() throws IOException {
    List<String> settings =
        List.of(
            "tokenizer.json",
            "generation_config.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json");
    settings.forEach(name -> small.put(name, name.getBytes(StandardCharsets.UTF_8)));
    hub(Map.of()).find("me/m");
    folder = cache.resolve("hub/me/m");
    assertThat(files()).containsAll(settings).doesNotContain("vocab.json", "merges.txt");
    assertThat(files()).contains("config.json", "model.safetensors");
  }

  @Test
  void takesPickledWeightsWhereThereAreNoOthers() throws IOException {
    large.remove("model.safetensors");
    large.put("pytorch_model.bin", WEIGHTS);
    hub(Map.of()).find("gpt2");
    assertThat(folder.resolve("pytorch_model.bin")).hasBinaryContent(WEIGHTS);
    assertThat(hub(Map.of("HF_HUB_OFFLINE", "1")).find("gpt2")).contains(folder);
  }

  @Test
  void takesPickledShardsWhereThereAreNoOthers() {
    large.remove("model.safetensors");
    large.put("pytorch_model-00001-of-00001.bin", "first".getBytes());
    index("pytorch_model.bin", "pytorch_model-00001-of-00001.bin");
    hub(Map.of()).find("gpt2");
    assertThat(folder.resolve("pytorch_model-00001-of-00001.bin")).hasContent("first");
  }

  @Test
  void fetchesAdapters() throws IOException {
    small.clear();
    large.clear();
    small.put("adapter_config.json", "{}".getBytes());
    large.put("adapter_model.safetensors", WEIGHTS);
    assertThat(hub(Map.of()).find("me/lora")).contains(cache.resolve("hub/me/lora"));
    folder = cache.resolve("hub/me/lora");
    assertThat(files())
        .containsExactlyInAnyOrder(".lock", "adapter_config.json", "adapter_model.safetensors");
  }

  @Test
  void aModelOfAnotherArchitectureIsRefusedBeforeItsWeights() {
    small.put("config.json", "{\"model_type\": \"llama\"}".getBytes());
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> hub(Map.of()).find("me/llama"))
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith("me/llama cannot be used: its config.json describes a model of")
          .hasMessageContaining("llama")
          .hasMessageContaining("'gpt2' is");
    }
    assertThat(storage.requests()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "401 No | RepoNotFound | has no model me/m, or not for everybody; check the name, or set HF_TOKEN to",
        "404 No | RepoNotFound | has no model me/m, or not for everybody; check the name, or set HF_TOKEN to",
        "404 No | RevisionNotFound | has no revision v2 of me/m; leave it out to take the newest",
        "403 No | GatedRepo | me/m is only for those who accept its terms; do so at http",
      })
  void aModelThatTheHubDoesNotGiveIsASentence(String status, String code, String sentence) {
    refusal = status + "\r\nContent-Type: text/html\r\nX-Error-Code: " + code;
    assertThatThrownBy(() -> hub(Map.of()).find("me/m@v2"))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(sentence);
    assertThat(hub.requests()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"models--openai-community--gpt2", "models--gpt2"})
  void takesWhatHuggingFacesToolsHaveFetched(String name) throws IOException {
    Path snapshot = snapshot(others.resolve(name));
    assertThat(hub(Map.of()).find("gpt2")).contains(snapshot);
    assertThat(hub(Map.of()).find("gpt2@abc123")).contains(snapshot);
    assertThat(hub(Map.of("HF_HUB_OFFLINE", "1")).find("gpt2")).contains(snapshot);
    assertThat(hub.requests()).isEmpty();
    assertThat(folder).doesNotExist();
    Files.delete(snapshot.resolve("merges.txt"));
    assertThat(hub(Map.of()).find("gpt2")).contains(folder);
  }

  /** A model as Hugging Face's tools keep it: names of files are links to their content. */
  private static Path snapshot(Path model) throws IOException {
    Path snapshot = Files.createDirectories(model.resolve("snapshots/abc123"));
    Files.createDirectories(model.resolve("blobs"));
    for (String name : List.of("config.json", "vocab.json", "merges.txt", "model.safetensors")) {
      Files.writeString(model.resolve("blobs").resolve("blob-of-" + name), name);
      Files.createSymbolicLink(snapshot.resolve(name), Path.of("../../blobs/blob-of-" + name));
    }
    Files.createDirectories(model.resolve("refs"));
    Files.writeString(model.resolve("refs/main"), "abc123");
    return snapshot;
  }

  @ParameterizedTest
  @ValueSource(strings = {"fa-IR", "ar-EG", "hi-IN-u-nu-deva", "tr-TR"})
  void fetchesAndGoesOnInALocaleWithDigitsAndLettersOfItsOwn(String locale) throws IOException {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag(locale));
    try {
      Files.createDirectories(folder);
      Files.write(folder.resolve("model.safetensors.part"), Arrays.copyOf(WEIGHTS, 50_000));
      assertThat(hub(Map.of()).find("gpt2")).contains(folder);
    } finally {
      Locale.setDefault(before);
    }
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(ranges()).containsExactly(50_000L);
  }

  @Test
  void fetchesShardsWhereThereIsNoSingleFile() throws IOException {
    large.remove("model.safetensors");
    large.put("model-00001-of-00002.safetensors", "first".getBytes());
    large.put("model-00002-of-00002.safetensors", "second".getBytes());
    index(
        "model.safetensors",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors");
    hub(Map.of()).find("gpt2");
    assertThat(folder.resolve("model-00002-of-00002.safetensors")).hasContent("second");
    assertThat(hub(Map.of("HF_HUB_OFFLINE", "1")).find("gpt2")).contains(folder);
    Files.delete(folder.resolve("model-00001-of-00002.safetensors"));
    hub(Map.of()).find("gpt2");
    assertThat(folder.resolve("model-00001-of-00002.safetensors")).hasContent("first");
  }

  @Test
  void anIndexCannotNameFilesElsewhere() {
    large.remove("model.safetensors");
    index("model.safetensors", "../../evil.safetensors");
    assertThatThrownBy(() -> hub(Map.of()).find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("names the file \"../../evil.safetensors\", which is not one of");
  }

  @Test
  void goesOnAtOnceWhereAConnectionBroke() throws IOException {
    sent = rest -> Arrays.copyOf(rest, Math.max(rest.length / 2, Math.min(rest.length, 100_000)));
    hub(Map.of()).find("gpt2");
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(storage.heads()).hasSizeGreaterThan(1);
    assertThat(ranges()).startsWith(0L, 160_000L).doesNotHaveDuplicates().isSorted();
  }

  @Test
  void keepsWhatCameForTheNextTry() throws IOException {
    int first = 200_000;
    sent =
        rest ->
            switch (rest.length) {
              case 320_000 -> Arrays.copyOf(rest, first);
              case 120_000 -> new byte[0];
              default -> rest;
            };
    assertThatThrownBy(() -> hub(Map.of()).find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(
            "cannot download model.safetensors of gpt2 from "
                + endpoint()
                + ": the connection broke off after 0 of 120000 bytes")
        .hasMessageEndingWith("; the first 0.2 MiB are kept, the next try goes on from there");
    assertThat(folder.resolve("model.safetensors")).doesNotExist();
    assertThat(folder.resolve("model.safetensors.part")).hasSize(first);
    sent = rest -> rest;
    hub(Map.of()).find("gpt2");
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(ranges()).endsWith((long) first);
    assertThat(said.toString()).contains("0.3 MiB, going on after 0.2 MiB");
  }

  @Test
  void startsOverWhereAPartIsOfAnotherFile() throws IOException {
    Files.createDirectories(folder);
    Path part = folder.resolve("model.safetensors.part");
    Files.write(part, new byte[50_000]);
    hub(Map.of()).find("gpt2");
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(ranges()).containsExactly(50_000L, 0L);
    Files.delete(folder.resolve("model.safetensors"));
    Files.write(part, new byte[WEIGHTS.length + 1]);
    hub(Map.of()).find("gpt2");
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
  }

  @Test
  void startsOverWhereTheServerSendsAnotherRange() throws IOException {
    Files.createDirectories(folder);
    Path part = folder.resolve("model.safetensors.part");
    Files.write(part, Arrays.copyOf(WEIGHTS, 50_000));
    shift = 7;
    hub(Map.of()).find("gpt2");
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(ranges()).containsExactly(50_000L, 0L);
  }

  @Test
  void aServerThatNeverSendsTheFileFromItsBeginningIsAskedOnce() {
    unasked = true;
    assertThatThrownBy(() -> hub(Map.of()).find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(": the server sends another part of it than was asked for; try");
    assertThat(ranges()).containsExactly(0L);
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.safetensors", "vocab.json"})
  void refusesAnotherFile(String name) {
    Map<String, byte[]> files = small.containsKey(name) ? small : large;
    byte[] right = files.get(name);
    sent = rest -> rest.length == right.length ? flipped(rest) : rest;
    assertThatThrownBy(() -> hub(Map.of()).find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "cannot download %s of gpt2 from %s: what came is another file, its checksum is not the hub's; try again, name a mirror with HF_ENDPOINT, or give the model's folder"
                .formatted(name, endpoint()));
    assertThat(folder.resolve(name)).doesNotExist();
    assertThat(folder.resolve(name + ".part")).doesNotExist();
  }

  @Test
  void aRefusalSaysWhatTheTokenIsFor() {
    refusal = "401 Unauthorized";
    assertThatThrownBy(() -> hub(Map.of()).find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "cannot download config.json of gpt2 from %s: the server answered 401, it wants to know who asks; set HF_TOKEN to a token of yours"
                .formatted(endpoint()));
    assertThatThrownBy(() -> hub(Map.of("HF_TOKEN", "old")).find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessageEndingWith("the server answered 401, it does not accept what HF_TOKEN holds");
  }

  @Test
  void thePageOfANetworksSignInIsNoFile() {
    refusal = "200 OK\r\nContent-Type: text/html; charset=utf-8";
    assertThatThrownBy(() -> hub(Map.of()).find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("a web page came, perhaps of a sign-in to the network; try again");
    assertThat(folder.resolve("config.json")).doesNotExist();
  }

  @Test
  void aTokenWithALineBreakIsRefusedAndNotShown() {
    assertThatThrownBy(() -> hub(Map.of("HF_TOKEN", "hf_se\ncret")))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("HF_TOKEN has spaces, line breaks or other characters")
        .hasMessageNotContaining("cret");
  }

  @Test
  void aHubWithoutTheModelIsNamed() {
    small.clear();
    assertThatThrownBy(() -> hub(Map.of()).find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            endpoint()
                + " has no config.json in openai-community/gpt2; check the name, HF_ENDPOINT may name another hub");
  }

  @Test
  void aHubOutOfReachIsOneSentence() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort(); // free again when this block ends
    }
    String nobody = "http://127.0.0.1:" + port;
    assertThatThrownBy(() -> hub(Map.of("HF_ENDPOINT", nobody)).find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(
            "cannot download config.json of gpt2 from " + nobody + ": no connection")
        .hasMessageEndingWith(
            "; try again, name a mirror with HF_ENDPOINT, or give the model's folder");
    assertThatThrownBy(() -> hub(Map.of("HF_ENDPOINT", "huggingface.co")))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "HF_ENDPOINT is \"huggingface.co\", which is no address like https://huggingface.co");
  }

  @ParameterizedTest
  @ValueSource(strings = {"429 Too Many Requests", "500 Oops", "503 No\r\nContent-Type: text/html"})
  void asksABusyHubAgain(String status) {
    refusal = status;
    refusals = 2;
    assertThat(impatientHub().find("gpt2")).contains(folder);
    assertThat(said.toString().lines().filter(line -> line.endsWith("; trying again in 0 s")))
        .hasSize(2)
        .allMatch(line -> line.startsWith("the server answered " + status.substring(0, 3)));
    assertThat(hub.requests())
        .hasSize(2 + 9 + 3); // two were in vain, nine files are asked for, three come from here
  }

  @Test
  void asksFiveTimesAndNoMore() {
    refusal = "503 Service Unavailable";
    assertThatThrownBy(() -> impatientHub().find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(": the server answered 503; try again");
    assertThat(hub.requests()).hasSize(5);
    refusal = "404 Not Found";
    assertThatThrownBy(() -> impatientHub().find("gpt2")).isInstanceOf(JambicException.class);
    assertThat(hub.requests()).hasSize(5 + 2); // the model's configuration, that of adapters
  }

  @Test
  void waitsAsLongAsABusyHubSaysUpToALimit() {
    refusal = "429 Too Many Requests\r\nRetry-After: 1";
    refusals = 1;
    long before = System.nanoTime();
    assertThat(impatientHub().find("gpt2")).contains(folder);
    assertThat(Duration.ofNanos(System.nanoTime() - before)).isGreaterThan(Duration.ofSeconds(1));
    assertThat(said.toString()).contains("the server answered 429, come back in 1 s; trying again");
  }

  @ParameterizedTest
  @ValueSource(strings = {"3600", "Tue, 31 Dec 2999 23:59:59 GMT"})
  void doesNotWaitForHours(String after) {
    refusal = "429 Too Many Requests\r\nRetry-After: " + after;
    assertThatThrownBy(() -> impatientHub().find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(": the server answered 429, come back in ");
    assertThat(hub.requests()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "true", "Yes", "ON"})
  void offlineAsksNobody(String value) {
    assertThatThrownBy(() -> hub(Map.of("HF_HUB_OFFLINE", value)).find("gpt2"))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "gpt2 is not in the cache, as %s lacks config.json, and nothing is fetched offline; leave --offline and HF_HUB_OFFLINE out, or give the model's folder"
                .formatted(folder));
    assertThat(hub.requests()).isEmpty();
  }

  /** Waits a tenth of a second, two tenths, four and eight; at most six seconds. */
  private Hub impatientHub() {
    return hub(Map.of(), Duration.ofSeconds(2));
  }

  private Hub hub(Map<String, String> environment) {
    return hub(environment, Duration.ofSeconds(10));
  }

  private Hub hub(Map<String, String> environment, Duration patience) {
    Map<String, String> all = new HashMap<>(Map.of("HF_ENDPOINT", endpoint() + "/"));
    all.putAll(environment);
    Terminal terminal = Terminal.of(new PrintWriter(said, true));
    return Hub.of(all, cache, new HuggingFaceCache(others), false, patience, terminal);
  }

  private String endpoint() {
    return "http://127.0.0.1:" + hub.port();
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  /** The first byte that each request to the storage asked for. */
  private List<Long> ranges() {
    return storage.heads().stream().map(HubTest::from).toList();
  }

  private void index(String weights, String... shards) {
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < shards.length; i++) {
      map.append(i == 0 ? "" : ",").append("\"t" + i + "\":\"" + shards[i] + "\"");
    }
    small.put(
        weights + ".index.json",
        ("{\"metadata\":{},\"weight_map\":{" + map + "}}").getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] flipped(byte[] bytes) {
    byte[] other = bytes.clone();
    other[other.length / 2] ^= 1;
    return other;
  }

  private static String name(String head) {
    String path = head.split(" ")[1];
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private static long from(String head) {
    Matcher range = RANGE.matcher(head);
    return range.find() ? Long.parseLong(range.group(1)) : 0;
  }

  private LoopbackServer.Answer hubAnswer(String head) {
    String name = name(head);
    if (!refusal.isEmpty() && refusals-- > 0) {
      return LoopbackServer.answer(refusal, 0, new byte[0]);
    }
    if (small.containsKey(name)) {
      byte[] content = small.get(name);
      byte[] blob = ("blob " + content.length + "\0").getBytes();
      String etag = digest("SHA-1", concat(blob, content));
      byte[] body = head.startsWith("HEAD") ? new byte[0] : sent.apply(content);
      return LoopbackServer.answer("200 OK\r\nETag: W/\"" + etag + "\"", content.length, body);
    }
    if (large.containsKey(name)) {
      byte[] content = large.get(name);
      return LoopbackServer.answer(
          String.format(
              Locale.ROOT,
              "302 Found\r\nLocation: http://127.0.0.1:%d/%s\r\nX-Linked-Size: %d\r\nX-Linked-ETag: \"%s\"",
              storage.port(),
              name,
              content.length,
              digest("SHA-256", content)),
          0,
          new byte[0]);
    }
    return LoopbackServer.answer("404 Not Found", 0, new byte[0]);
  }

  private LoopbackServer.Answer storageAnswer(String head) {
    byte[] content = large.get(name(head));
    int asked = (int) from(head);
    int from = asked > 0 || unasked ? asked + shift + (unasked ? 1 : 0) : 0;
    byte[] rest = Arrays.copyOfRange(content, from, content.length);
    String status =
        from == 0
            ? "200 OK"
            : String.format(
                Locale.ROOT,
                "206 Partial Content\r\nContent-Range: bytes %d-%d/%d",
                from,
                content.length - 1,
                content.length);
    return LoopbackServer.answer(status, rest.length, sent.apply(rest));
  }

  private static byte[] concat(byte[] a, byte[] b) {
    byte[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  private static String digest(String algorithm, byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
