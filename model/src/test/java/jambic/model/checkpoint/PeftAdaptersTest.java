package jambic.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.JsonObject;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsTest;
import jambic.model.nn.Initializer;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Opens adapters that PEFT 0.21.0 wrote, beside the logits that it computes with them. */
class PeftAdaptersTest {
  private static final Path PEFT =
      SafetensorsTest.resource("peft/expected.safetensors").getParent();
  private static final Path BASE = PEFT.resolveSibling("hf_gpt2_tiny");
  private static final int[] IDS = {1, 5, 3, 0, 2, 7};

  @TempDir Path parent;
  private Backend backend;

  @BeforeEach
  void openBackend() {
    backend = Backends.open("reference", 1);
  }

  @AfterEach
  void closeBackend() {
    backend.close();
  }

  @Test
  void severalAdaptersComputeWithTheWeightsOfOneBase() {
    try (Checkpoint<GptConfig, Gpt> stored = Checkpoint.open(Gpt.FORMAT, BASE);
        Checkpoint<GptConfig, Gpt> first = Checkpoint.open(Gpt.FORMAT, PEFT.resolve("ends"));
        Checkpoint<GptConfig, Gpt> second = Checkpoint.open(Gpt.FORMAT, PEFT.resolve("rslora"));
        Gpt base = stored.model(backend)) {
      float[] before = logits(base);
      try (Gpt one = base.with(first.lora().orElseThrow(), first.generation());
          Gpt other = base.with(second.lora().orElseThrow(), second.generation())) {
        first.readAdapters(one);
        second.readAdapters(other);
        assertThat(distance(logits(one), expected("ends"))).isLessThan(1e-5);
        assertThat(distance(logits(other), expected("rslora"))).isLessThan(1e-5);
        assertThat(one.parameters().tensors()).isEqualTo(base.parameters().tensors());
        assertThat(one.parameters().tensors().getFirst())
            .isSameAs(other.parameters().tensors().getFirst());
        assertThatThrownBy(() -> one.with(second.lora().orElseThrow(), second.generation()))
            .isInstanceOf(IllegalStateException.class);
      }
      assertThat(logits(base)).isEqualTo(before); // open after its adapters are closed
      assertThatThrownBy(() -> stored.readAdapters(base))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("holds a whole model, no adapters");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ends",
        "unmatched_end",
        "full_names",
        "expression",
        "all_linear",
        "all_linear_but",
        "default_targets",
        "layer",
        "layers",
        "layers_pattern",
        "layers_patterns",
        "excluded_expression",
        "rslora",
        "patterns",
        "rslora_patterns"
      })
  void everySpellingOfTargetsRanksAndScalesComputesPeftsLogits(String name) {
    Path saved = parent.resolve("saved");
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, PEFT.resolve(name));
        Gpt merged = checkpoint.model(backend);
        Gpt beside = checkpoint.resumed(backend)) {
      assertThat(distance(logits(merged), expected(name))).isLessThan(1e-5);
      assertThat(distance(logits(beside), expected(name))).isLessThan(1e-5);
      Checkpoint.save(Gpt.FORMAT, saved, beside, Optional.empty());
    }
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, saved);
        Gpt merged = checkpoint.model(backend)) {
      assertThat(distance(logits(merged), expected(name))).isLessThan(1e-5);
    }
  }

  /** What a key may not have here, none if all its values are obeyed or change nothing. */
  private static Map<String, Object> refusedValues() {
    Map<String, Object> refused = new LinkedHashMap<>();
    for (String key :
        List.of(
            "alpha_pattern",
            "auto_mapping",
            "base_model_name_or_path",
            "corda_config",
            "ensure_weight_tying",
            "eva_config",
            "exclude_modules",
            "fan_in_fan_out",
            "inference_mode",
            "layers_pattern",
            "layers_to_transform",
            "loftq_config",
            "lora_alpha",
            "lora_dropout",
            "lora_ga_config",
            "megatron_core",
            "peft_version",
            "qalora_group_size",
            "r",
            "rank_pattern",
            "revision",
            "target_modules",
            "use_rslora")) {
      refused.put(key, List.of());
    }
    refused.put("alora_invocation_tokens", List.of(1));
    refused.put("arrow_config", Map.of("top_k", 2));
    refused.put("bias", "all");
    refused.put("init_lora_weights", "pissa");
    refused.put("kasa_config", Map.of("beta", 1));
    refused.put("layer_replication", List.of(List.of(0, 2)));
    refused.put("lora_bias", true);
    refused.put("megatron_config", Map.of("a", 1));
    refused.put("modules_to_save", List.of("lm_head"));
    refused.put("monteclora_config", Map.of("a", 1));
    refused.put("peft_type", "IA3");
    refused.put("target_parameters", List.of("c_attn.weight"));
    refused.put("task_type", "SEQ_CLS");
    refused.put("trainable_token_indices", List.of(3));
    refused.put("use_bdlora", Map.of("a", 1));
    refused.put("use_dora", true);
    refused.put("use_qalora", true);
    refused.put("velora_config", Map.of("scale", 1));
    return refused;
  }

  @Test
  void everyKeyOfLoraConfigIsKnown() throws IOException {
    Map<String, Object> defaults = JsonObject.read(PEFT.resolve("lora_config.json")).values();
    assertThat(refusedValues().keySet()).containsExactlyInAnyOrderElementsOf(defaults.keySet());
    Path folder = copy("ends");
    Map<String, Object> placed = new HashMap<>(defaults);
    placed.put("base_model_name_or_path", BASE.toString());
    JsonObject.write(folder.resolve(LoraFiles.CONFIG), placed);
    refused(
        folder, "lora_A.weight has the shape [1, 48], but adapter_config.json makes its rank 8");
    for (var entry : refusedValues().entrySet()) {
      if (!entry.getValue().equals(List.of())) {
        with(folder, Map.of(entry.getKey(), entry.getValue()));
        refused(folder, entry.getKey().equals("peft_type") ? "'IA3'" : "'" + entry.getKey() + "'");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"init_lora_weights\" : false",
        "\"init_lora_weights\" : \"gaussian\"",
        "\"init_lora_weights\" : \"eva\"",
        "\"init_lora_weights\" : \"mica\"",
        "\"eva_config\" : {\"rho\" : 2}",
        "\"loftq_config\" : {\"loftq_bits\" : 4}",
        "\"lora_dropout\" : 0.5",
        "\"task_type\" : null",
        "\"fan_in_fan_out\" : false",
        "\"ensure_weight_tying\" : true",
        "\"megatron_core\" : null",
        "\"revision\" : \"other\"",
        "\"auto_mapping\" : {\"base_model_class\" : \"GPT2LMHeadModel\"}"
      })
  void whatChangesNoLogitInPeftChangesNoneHere(String member) throws IOException {
    Path folder = copy("ends");
    Path file = folder.resolve(LoraFiles.CONFIG);
    String key = member.substring(0, member.indexOf(':') - 1);
    String text = Files.readString(file).replaceFirst(key + " : .*,", member + ",");
    assertThat(text).contains(member);
    Files.writeString(file, text);
    assertThat(distance(logits(folder), expected("ends"))).isLessThan(1e-5);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "init_lora_weights | pissa_niter_4 | path_initial_model_for_weight_conversion",
        "init_lora_weights | olora | path_initial_model_for_weight_conversion",
        "init_lora_weights | corda | path_initial_model_for_weight_conversion",
        "init_lora_weights | loftq | path_initial_model_for_weight_conversion",
        "init_lora_weights | lora_ga | path_initial_model_for_weight_conversion",
        "bias | lora_only | 'bias' is 'lora_only', which is not supported; open it in PEFT",
        "target_modules | .*(c_attn | the regular expression '.*(c_attn' is not supported: unclosed",
        "target_modules | .*[a&&b] | '.*[a&&b]' is not supported: [ and && inside [...] mean",
        "target_modules | .*wte | 'target_modules' names transformer.wte, which can have no",
        "target_modules | lm_head | 'target_modules' names lm_head, which can have no adapter",
        "target_modules | q_proj | 'target_modules' name no layer of the model",
        "target_modules | '' | LoRA needs at least one layer to adapt",
        "layers_pattern | h | 'layers_pattern' needs 'layers_to_transform' beside it",
        "layers_to_transform | two | 'layers_to_transform' must be an array",
        "lora_dropout | high | 'lora_dropout' must be a number",
        "rank_pattern | high | 'rank_pattern' must be an object",
        "base_model_name_or_path | '' | names no base model; write the folder of the model",
        "unheard_of | 1 | the key 'unheard_of' is not known"
      })
  void aKeyThatCannotBeObeyedIsRefusedByName(String key, String value, String message)
      throws IOException {
    Path folder = copy("ends");
    with(folder, Map.of(key, value));
    refused(folder, message);
  }

  @Test
  void valuesOfTheWrongTypeAreRefusedByName() throws IOException {
    Path folder = copy("ends");
    Map<String, Object> wrong =
        Map.of(
            "target_modules", List.of(1),
            "exclude_modules", 3,
            "layers_to_transform", List.of("1"),
            "rank_pattern", Map.of("c_attn", "high"),
            "alpha_pattern", Map.of("c_(attn", 2));
    with(folder, Map.of("layers_to_transform", 1, "layers_pattern", "(?P<idx>h)"));
    refused(folder, "'layers_pattern': the regular expression");
    for (var entry : wrong.entrySet()) {
      with(folder, Map.of(entry.getKey(), entry.getValue()));
      refused(folder, entry.getKey());
    }
    with(folder, Map.of("r", 40_000));
    refused(folder, "the rank of LoRA must be at least 1 and at most 32768, got 40000");
    with(folder, Map.of("rank_pattern", Map.of("c_attn", 0)));
    refused(folder, "the rank of 'c_attn' of LoRA must be at least 1, got 0");
    with(folder, Map.of("alpha_pattern", Map.of("c_attn", -1)));
    refused(folder, "the alpha of 'c_attn' of LoRA must be above 0, got -1.0");
    with(folder, Map.of("lora_dropout", 1));
    refused(folder, "the dropout of LoRA must be 0 or more and below 1, got 1.0");
    with(folder, Map.of("target_modules", ".*c_attn", "layers_to_transform", List.of(1)));
    refused(folder, "go with a list of 'target_modules', not with the text '.*c_attn'");
    with(folder, Map.of("target_modules", List.of("c_attn"), "exclude_modules", ".*"));
    refused(folder, "'target_modules', 'exclude_modules' name no layer of the model");
    with(folder, Map.of("target_modules", List.of("c_attn")));
    refused(folder, "mlp.c_proj.lora_A.weight', which is not of an adapter that");
  }

  @Test
  void aPickleOfAdaptersIsRefusedWithARemedy() throws IOException {
    Path folder = copy("ends");
    Files.move(folder.resolve("adapter_model.safetensors"), folder.resolve("adapter_model.bin"));
    refused(folder, "holds its adapters as a pickle, adapter_model.bin; open it in PEFT and save");
  }

  @Test
  void aFolderWithAModelAndAdaptersIsRefused() throws IOException {
    Path folder = copy("ends");
    Files.copy(BASE.resolve("config.json"), folder.resolve("config.json"));
    Files.copy(BASE.resolve("model.safetensors"), folder.resolve("model.safetensors"));
    refused(folder, folder + " holds a whole model and adapters; move the one that is not meant");
  }

  @Test
  void aBaseThatHoldsAdaptersItselfIsRefused() throws IOException {
    Path folder = copy("ends");
    Path other = Files.createDirectory(parent.resolve("other"));
    Files.copy(folder.resolve(LoraFiles.CONFIG), other.resolve(LoraFiles.CONFIG));
    with(folder, Map.of("base_model_name_or_path", other.toString()));
    refused(folder, "belongs to " + other + ", which holds adapters itself; export that");
  }

  @Test
  void aBaseWithoutANameAndOneWithAnImpossibleNameAreRefused() throws IOException {
    Path folder = copy("ends");
    Path file = folder.resolve(LoraFiles.CONFIG);
    with(folder, Map.of("base_model_name_or_path", "a\0b"));
    refused(folder, "belongs to the model in 'a");
    Map<String, Object> values = new LinkedHashMap<>(JsonObject.read(file).values());
    values.put("base_model_name_or_path", null);
    JsonObject.write(file, values);
    refused(folder, "names no base model; write the folder of the model that the adapters belong");
  }

  @Test
  void aRelativeBaseIsMeantFromTheWorkingDirectoryAndElseFromTheAdapters() throws IOException {
    Path workingFolder = Path.of("").toAbsolutePath();
    Path near = parent.resolve("near");
    Files.createDirectories(near);
    String name = workingFolder.relativize(near.toAbsolutePath()).toString();
    Path deep = parent;
    for (int i = 0; i < workingFolder.getNameCount(); i++) {
      deep = deep.resolve("d");
    }
    Path folder = Files.createDirectories(deep).resolve("adapters");
    Files.move(copy("ends"), folder);
    with(folder, Map.of("base_model_name_or_path", name));
    Path beside = folder.resolve(name).normalize();
    refused(folder, "belongs to the model in %s or %s, which is not".formatted(near, beside));
    try (Gpt other =
        new Gpt(backend, Gpt.FORMAT.readConfig(BASE), new Initializer(0.2f, true, 1))) {
      Checkpoint.save(Gpt.FORMAT, beside, other, Optional.empty());
    }
    assertThat(distance(logits(folder), expected("ends"))).isGreaterThan(0.1);
    Files.copy(BASE.resolve("config.json"), near.resolve("config.json"));
    Files.copy(BASE.resolve("model.safetensors"), near.resolve("model.safetensors"));
    assertThat(distance(logits(folder), expected("ends"))).isLessThan(1e-5);
  }

  @Test
  void anotherRevisionOfANamedBaseIsRefused() throws IOException {
    Path folder = copy("ends");
    with(folder, Map.of("base_model_name_or_path", "tiny", "revision", "main"));
    BaseModelResolver bases = name -> Optional.of(BASE).filter(found -> name.equals("tiny"));
    Checkpoint.open(Gpt.FORMAT, folder, bases).close();
    with(folder, Map.of("base_model_name_or_path", "tiny", "revision", "v2"));
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder, bases))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("'revision' is 'v2', and of a named model only main is known");
  }

  /** A copy of PEFT's adapters that names its base by its place. */
  private Path copy(String name) throws IOException {
    Path folder = Files.createDirectory(parent.resolve("adapters"));
    for (String file : List.of(LoraFiles.CONFIG, "adapter_model.safetensors")) {
      Files.copy(PEFT.resolve(name).resolve(file), folder.resolve(file));
    }
    with(folder, Map.of());
    return folder;
  }

  /** Writes the configuration of {@code ends} with some values changed. */
  private static void with(Path folder, Map<String, Object> changes) {
    Map<String, Object> values =
        new LinkedHashMap<>(
            JsonObject.read(PEFT.resolve("ends").resolve(LoraFiles.CONFIG)).values());
    values.put("base_model_name_or_path", BASE.toString());
    values.putAll(changes);
    JsonObject.write(folder.resolve(LoraFiles.CONFIG), values);
  }

  private static void refused(Path folder, String message) {
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder).close())
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(message)
        .hasMessageContaining(folder.toString());
  }

  private float[] logits(Path folder) {
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt gpt = checkpoint.model(backend)) {
      return logits(gpt);
    }
  }

  /** The logits after the last of the ids. */
  private float[] logits(Gpt gpt) {
    try (Region region = backend.region()) {
      Tensor ids = region.allocate(DType.I32, Shape.of(1, IDS.length));
      ids.set(IDS);
      float[] all = gpt.logits(new InferenceOps(backend, region), ids).toFloats();
      return Arrays.copyOfRange(all, all.length - gpt.config().vocabSize(), all.length);
    }
  }

  private static float[] expected(String name) {
    try (Safetensors file = Safetensors.open(PEFT.resolve("expected.safetensors"))) {
      Safetensors.Entry entry = file.entry(name);
      float[] values = new float[Math.toIntExact(entry.size())];
      entry.readFloats(values, 0);
      return values;
    }
  }

  private static double distance(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b);
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs((double) a[i] - b[i]));
    }
    return largest;
  }
}
