package jambic.model.nn;

import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;

/**
 * Which layers have adapters, and of which rank and scale: the part of PEFT's {@code LoraConfig}
 * that decides it, matched against the names that modules have in Hugging Face's GPT-2, such as
 * {@code transformer.h.0.attn.c_attn}.
 *
 * @param rank of the updates, at least 1
 * @param alpha their scale times the rank (or its square root), above 0
 * @param rankStabilized whether the scale is {@code alpha / sqrt(rank)} and not {@code alpha /
 *     rank}
 * @param dropout probability of zeroing an input of A in training, below 1
 * @param targets modules with adapters
 * @param excluded modules that have none all the same
 * @param blocks numbers of the blocks to which targets that are ends of names are limited; empty
 *     for all blocks
 * @param blocksNames expressions for the name of the list of blocks that the numbers count in; any
 *     list if empty
 * @param ranks ranks that differ, by expressions for the end of a module's name; the first counts
 * @param alphas the same for alphas
 */
@SuppressWarnings("exports") // how targets are matched is this module's own business
public record LoraLayers(
    int rank,
    float alpha,
    boolean rankStabilized,
    float dropout,
    ModuleNames targets,
    ModuleNames excluded,
    List<Integer> blocks,
    List<String> blocksNames,
    Map<String, Integer> ranks,
    Map<String, Float> alphas) {
  /** What helps where adapters are more than {@code B A} beside the weights of their base. */
  public static final String MERGE =
      "open it in PEFT, save what merge_and_unload() returns, and take that folder";

  /** The layers of a block that can have an adapter. */
  private static final List<String> LAYERS =
      List.of("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj");

  /** The other modules, which PEFT's names can match as well. */
  private static final List<String> OTHERS_OF_A_BLOCK =
      List.of(
          "", // the block itself
          ".ln_1",
          ".attn",
          ".attn.attn_dropout",
          ".attn.resid_dropout",
          ".ln_2",
          ".mlp",
          ".mlp.act",
          ".mlp.dropout");

  private static final List<String> OTHERS =
      List.of(
          "transformer",
          "transformer.wte",
          "transformer.wpe",
          "transformer.drop",
          "transformer.h",
          "transformer.ln_f",
          "lm_head");

  private static final String MODEL = "transformer.";
  private static final String ALL_LINEAR = "all-linear";
  private static final List<String> PEFT_TARGETS = List.of("c_attn"); // PEFT's own for GPT-2
  private static final int PEFT_RANK = 8;
  private static final float PEFT_ALPHA = 8;
  private static final int HIGHEST_RANK = 1 << 15; // its square is an int

  /**
   * Checks the values.
   *
   * @throws JambicException if one is out of its range, or a target is no layer
   */
  public LoraLayers {
    blocks = List.copyOf(blocks);
    blocksNames = List.copyOf(blocksNames);
    requireRank("the rank", rank);
    requireAlpha("the alpha", alpha);
    ranks.forEach((key, r) -> requireRank("the rank of " + ErrorText.quote(key), r));
    alphas.forEach((key, a) -> requireAlpha("the alpha of " + ErrorText.quote(key), a));
    if (!(dropout >= 0 && dropout < 1)) {
      throw new JambicException(
          "the dropout of LoRA must be 0 or more and below 1, got " + dropout);
    }
    if (targets.isEmpty()) {
      throw new JambicException("LoRA needs at least one layer to adapt, such as c_attn");
    }
  }

  private static void requireRank(String what, int rank) {
    if (rank < 1 || rank > HIGHEST_RANK) {
      throw new JambicException(
          what
              + " of LoRA must be at least 1"
              + (rank < 1 ? "" : " and at most " + HIGHEST_RANK)
              + ", got "
              + rank);
    }
  }

  private static void requireAlpha(String what, float alpha) {
    if (!(alpha > 0 && alpha < Float.POSITIVE_INFINITY)) {
      throw new JambicException(what + " of LoRA must be above 0, got " + alpha);
    }
  }

  /** The same adapters in layers of all blocks, which must exist. */
  static LoraLayers of(int rank, float alpha, List<String> targets) {
    for (String target : targets) {
      if (LAYERS.stream().noneMatch(ModuleNames.of(List.of(target))::match)) {
        throw new JambicException(
            Text.format(
                    "LoRA has no layer %s to adapt; there are c_attn, c_proj, c_fc, attn.c_proj and",
                    ErrorText.quote(target))
                + " mlp.c_proj");
      }
    }
    return new LoraLayers(
        rank,
        alpha,
        false,
        0,
        ModuleNames.of(targets),
        ModuleNames.NONE,
        List.of(),
        List.of(),
        Map.of(),
        Map.of());
  }

  /**
   * Reads the keys of PEFT's configuration, with PEFT's defaults.
   *
   * @param json the configuration
   * @return the layers
   * @throws JambicException if a value is of the wrong type or out of its range
   */
  public static LoraLayers read(JsonObject json) {
    Object targets = json.values().get("target_modules");
    boolean all = targets instanceof String text && text.equalsIgnoreCase(ALL_LINEAR);
    List<Integer> blocks = blocks(json);
    List<String> names = blocksNames(json);
    if (targets instanceof String && !(blocks.isEmpty() && names.isEmpty())) {
      throw new JambicException(
          Text.format(
              "%s: 'layers_to_transform' and 'layers_pattern' go with a list of 'target_modules', not"
                  + " with the text %s, so PEFT refuses them too; write the blocks into that",
              json.where(), ErrorText.quote(targets.toString())));
    }
    if (blocks.isEmpty() && !names.isEmpty()) {
      throw new JambicException(
          json.where()
              + ": 'layers_pattern' needs 'layers_to_transform' beside it; add that, or leave both"
              + " out");
    }
    try {
      return new LoraLayers(
          json.optionalInteger("r").orElse(PEFT_RANK),
          json.optionalFloat("lora_alpha").orElse(PEFT_ALPHA),
          json.optionalBoolean("use_rslora").orElse(false),
          json.optionalFloat("lora_dropout").orElse(0f),
          all
              ? new ModuleNames(List.of(), Optional.of(ALL_LINEAR))
              : ModuleNames.read(json, "target_modules").orElse(ModuleNames.of(PEFT_TARGETS)),
          ModuleNames.read(json, "exclude_modules").orElse(ModuleNames.NONE),
          blocks,
          names,
          byPattern(json, "rank_pattern", JsonObject::integer),
          byPattern(json, "alpha_pattern", (values, key) -> values.optionalFloat(key).orElse(0f)));
    } catch (JambicException e) {
      boolean says = e.getMessage().startsWith(json.where());
      throw says ? e : new JambicException(json.where() + ": " + e.getMessage(), e);
    }
  }

  private static List<Integer> blocks(JsonObject json) {
    String key = "layers_to_transform";
    if (json.values().get(key) instanceof Integer block) {
      return List.of(block);
    }
    List<Integer> blocks = new ArrayList<>();
    for (Object element : json.optionalList(key).orElse(List.of())) {
      if (!(element instanceof Integer block)) {
        throw new JambicException(
            Text.format(
                "%s must hold numbers of layers, got %s",
                ModuleNames.where(json, key), ErrorText.quote(String.valueOf(element))));
      }
      blocks.add(block);
    }
    return blocks;
  }

  private static List<String> blocksNames(JsonObject json) {
    String key = "layers_pattern";
    List<String> names =
        json.values().get(key) instanceof String name
            ? List.of(name).stream().filter(text -> !text.isEmpty()).toList()
            : ModuleNames.texts(json, key);
    names.forEach(name -> PythonPattern.compile(ModuleNames.where(json, key), inBlock(name)));
    return names;
  }

  /** Reads one value of an object. */
  private interface Getter<T> {
    T get(JsonObject values, String key);
  }

  private static <T> Map<String, T> byPattern(JsonObject json, String key, Getter<T> getter) {
    Map<String, T> values = new LinkedHashMap<>();
    json.optionalObject(key)
        .ifPresent(object ->
            object
                .values()
                .keySet()
                .forEach(pattern -> {
                  PythonPattern.compile(ModuleNames.where(json, key), ending(pattern));
                  values.put(pattern, getter.get(object, pattern));
                }));
    return values;
  }

  /**
   * Writes what {@link #read} reads; what has PEFT's default only where PEFT has always known it.
   *
   * @param json added to
   */
  public void writeTo(Map<String, Object> json) {
    json.put("r", rank);
    json.put("lora_alpha", alpha);
    json.put("lora_dropout", dropout);
    json.put("target_modules", targets.toJson());
    if (rankStabilized) {
      json.put("use_rslora", true);
    }
    if (!excluded.isEmpty()) {
      json.put("exclude_modules", excluded.toJson());
    }
    if (!blocks.isEmpty()) {
      json.put("layers_to_transform", blocks);
    }
    if (!blocksNames.isEmpty()) {
      json.put("layers_pattern", blocksNames);
    }
    if (!ranks.isEmpty()) {
      json.put("rank_pattern", ranks);
    }
    if (!alphas.isEmpty()) {
      json.put("alpha_pattern", alphas);
    }
  }

  /**
   * Returns whether a layer has an adapter.
   *
   * @param layer its name, as {@code h.0.attn.c_attn}
   * @return whether it has
   */
  public boolean adapts(String layer) {
    return LAYERS.stream().anyMatch(end -> layer.matches("h\\.\\d+\\." + end))
        && matches(MODEL + layer);
  }

  /** Whether PEFT gives a module an adapter: its {@code check_target_module_exists}. */
  private boolean matches(String module) {
    if (excluded.match(module)) {
      return false;
    }
    if (targets.expression().filter(ALL_LINEAR::equals).isPresent()) {
      return LAYERS.stream().anyMatch(layer -> module.endsWith("." + layer));
    }
    if (targets.hasName(module)) {
      return true; // whatever its block
    }
    return targets.match(module) && (blocks.isEmpty() || blocks.contains(block(module)));
  }

  /** The number of a module's block, -1 if it is in none that counts. */
  private int block(String module) {
    List<String> expressions =
        blocksNames.isEmpty()
            ? List.of(".*?\\.[^.]*\\.(?<idx>\\d+)\\.")
            : blocksNames.stream().map(LoraLayers::inBlock).toList();
    for (String expression : expressions) {
      Matcher matcher = PythonPattern.compile("", expression).matcher(module);
      if (matcher.lookingAt()) {
        return Integer.parseInt(matcher.group("idx"));
      }
    }
    return -1;
  }

  /** PEFT's expression for the beginning of a module in a list of blocks of some name. */
  private static String inBlock(String name) {
    return "(?:^|.*?\\.)" + name + "\\.(?<idx>\\d+)\\.";
  }

  /** PEFT's expression for a module whose name ends with what an expression matches. */
  private static String ending(String expression) {
    return "(.*\\.)?(" + expression + ")$";
  }

  /**
   * Returns the rank of a layer's adapter.
   *
   * @param layer its name
   * @return the rank
   */
  public int rank(String layer) {
    return first(ranks, layer).orElse(rank);
  }

  /**
   * Returns what the product of a layer's B and A is multiplied by.
   *
   * @param layer its name
   * @return the scale
   */
  public float scale(String layer) {
    float own = first(alphas, layer).orElse(alpha);
    return rankStabilized ? (float) (own / Math.sqrt(rank(layer))) : own / rank(layer);
  }

  /** The value of the first expression that matches a layer: PEFT's {@code get_pattern_key}. */
  private static <T> Optional<T> first(Map<String, T> values, String layer) {
    return values.entrySet().stream()
        .filter(entry ->
            PythonPattern.compile("", ending(entry.getKey())).matcher(MODEL + layer).lookingAt())
        .map(Map.Entry::getValue)
        .findFirst();
  }

  /**
   * Lists the layers of a model that have adapters.
   *
   * @param where what errors name
   * @param count how many blocks the model has
   * @return their names
   * @throws JambicException if it is none, or something else would have one in PEFT
   */
  public List<String> in(String where, int count) {
    List<String> layers = new ArrayList<>();
    List<String> others = new ArrayList<>(OTHERS);
    for (int i = 0; i < count; i++) {
      String block = "h." + i;
      LAYERS.forEach(layer -> layers.add(block + "." + layer));
      OTHERS_OF_A_BLOCK.forEach(other -> others.add(MODEL + block + other));
    }
    Optional<String> other = others.stream().filter(this::matches).findFirst();
    if (other.isPresent()) {
      throw new JambicException(
          Text.format(
              "%s: 'target_modules' names %s, which can have no adapter here; c_attn, c_proj and c_fc can; %s",
              where, other.get(), MERGE));
    }
    List<String> adapted = layers.stream().filter(this::adapts).toList();
    if (adapted.isEmpty()) {
      throw new JambicException(
          Text.format(
              "%s: 'target_modules'%s%s name no layer of the model, whose layers are"
                  + " transformer.h.0.attn.c_attn to transformer.h.%d.mlp.c_proj; correct them",
              where,
              blocks.isEmpty() ? "" : ", 'layers_to_transform'",
              excluded.isEmpty() ? "" : ", 'exclude_modules'",
              count - 1));
    }
    return adapted;
  }
}
