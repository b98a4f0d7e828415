package jambic.model.gpt;

import jambic.model.ConfigException;
import jambic.model.checkpoint.ModelFormat;
import jambic.model.checkpoint.StoredModel;
import jambic.model.io.ErrorText;
import jambic.model.io.StoredTensor;
import jambic.model.io.TorchFile;
import jambic.model.io.WeightFiles;
import jambic.model.text.BpeTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A checkpoint of nanoGPT's {@code train.py}: {@code ckpt.pt} with the model's shape under {@code
 * model_args} and its weights under {@code model}. The optimizer's state is not read. The model is
 * computed as today's nanoGPT does, with the exact GELU and the head tied to the embedding.
 */
final class NanoGptCheckpoint {
  static final String NAME = "ckpt.pt";

  private static final Set<String> KEYS =
      Set.of("model", "model_args", "optimizer", "iter_num", "best_val_loss", "config");
  private static final Set<String> SIZES =
      Set.of("n_layer", "n_head", "n_embd", "block_size", "vocab_size");
  private static final Set<String> OTHERS = Set.of("bias", "dropout");

  /** How {@link GptConfig} calls them in its complaints. */
  private static final Map<String, String> NAMES =
      Map.of(
          "nLayer", "n_layer",
          "nHead", "n_head",
          "nEmbd", "n_embd",
          "blockSize", "block_size",
          "vocabSize", "vocab_size");

  /** GPT-2's vocabulary, as it is and rounded up to a multiple of 64. */
  private static final Set<Integer> GPT2_SIZES = Set.of(PublishedGpt.VOCAB_SIZE, 50_304);

  /** The linear layers, which PyTorch stores as (out, in) and GPT-2 as (in, out). */
  private static final Pattern LINEAR =
      Pattern.compile(
          "(transformer\\.)?h\\.\\d+\\.(attn\\.c_attn|(attn|mlp)\\.c_proj|mlp\\.c_fc)\\.weight");

  private final Path file;
  private final TorchFile torch;
  private final Map<?, ?> root;

  private NanoGptCheckpoint(TorchFile torch) {
    this.file = torch.file();
    this.torch = torch;
    if (!(torch.root() instanceof Map<?, ?> members && members.containsKey("model_args"))) {
      throw new JambicException(
          Text.format(
                  "%s is no checkpoint of nanoGPT: it has no 'model_args', which say what the model is; as",
                  file)
              + " pytorch_model.bin in a folder with a config.json, weights alone can be read");
    }
    this.root = members;
    requireKnown("", members, KEYS);
  }

  /** The checkpoint that a path means: that file, or the one in that folder. */
  static Optional<Path> find(Path path) {
    if (Files.isRegularFile(path)) {
      return Optional.of(path);
    }
    boolean described = Files.exists(path.resolve(ModelFormat.CONFIG));
    return Optional.of(path.resolve(NAME)).filter(file -> !described && Files.exists(file));
  }

  /** Opens the model of a checkpoint. */
  static StoredModel<GptConfig> open(Path file) {
    TorchFile torch = TorchFile.open(file);
    try {
      var checkpoint = new NanoGptCheckpoint(torch);
      GptConfig config = checkpoint.config();
      WeightFiles weights = WeightFiles.of(torch, checkpoint.tensors());
      checkpoint.requireNoOtherBiases(config, weights.entries().keySet());
      return GptFormat.stored(config, checkpoint.tokenizer(config), weights, "its model_args");
    } catch (RuntimeException e) {
      torch.close();
      throw e;
    }
  }

  /** nanoGPT itself refuses biases that {@code model_args} deny; GPT-2's files may have them. */
  private void requireNoOtherBiases(GptConfig config, Set<String> names) {
    names.stream()
        .filter(name -> !config.bias() && name.endsWith(".bias") && !name.endsWith(".attn.bias"))
        .findFirst()
        .ifPresent(name -> {
          throw refused(
              Text.format(
                  "it holds %s, but 'bias' in model_args is False; save it with the arguments that it was trained with",
                  ErrorText.quote(name)));
        });
  }

  private GptConfig config() {
    if (!(root.get("model_args") instanceof Map<?, ?> args)) {
      throw refused("'model_args' is no dictionary");
    }
    Set<String> known = new HashSet<>(SIZES);
    known.addAll(OTHERS);
    requireKnown("model_args: ", args, known);
    Map<String, Integer> sizes =
        SIZES.stream().collect(Collectors.toMap(k -> k, k -> size(args, k)));
    boolean bias = bias(args);
    float dropout = dropout(args);
    try {
      return new GptConfig(
          sizes.get("vocab_size"),
          sizes.get("block_size"),
          sizes.get("n_layer"),
          sizes.get("n_head"),
          sizes.get("n_embd"),
          dropout,
          dropout,
          Activation.GELU_ERF,
          bias,
          bias,
          true,
          false,
          GptConfig.DEFAULT_NORM_EPS);
    } catch (ConfigException e) {
      String sentence = e.in(name -> NAMES.getOrDefault(name, name));
      throw new JambicException(file + ": model_args: " + sentence, e);
    }
  }

  private int size(Map<?, ?> args, String key) {
    if (!(args.get(key) instanceof Long value) || value != value.intValue()) {
      throw refused(
          args.containsKey(key)
              ? Text.format("model_args: '%s' must be an integer of 32 bits", key)
              : Text.format("model_args: '%s' is missing", key));
    }
    return value.intValue();
  }

  private boolean bias(Map<?, ?> args) {
    Object value =
        args.containsKey("bias") ? args.get("bias") : Boolean.TRUE; // as GPTConfig has it
    if (value instanceof Boolean bias) {
      return bias;
    }
    throw refused("model_args: 'bias' must be True or False");
  }

  private float dropout(Map<?, ?> args) {
    Object value = args.containsKey("dropout") ? args.get("dropout") : Double.valueOf(0);
    if (value instanceof Number dropout) {
      return dropout.floatValue();
    }
    throw refused("model_args: 'dropout' must be a number");
  }

  private void requireKnown(String where, Map<?, ?> members, Set<String> known) {
    for (Object key : members.keySet()) {
      if (!known.contains(key.toString())) {
        throw refused(
            Text.format(
                "%sthe key %s is not one of nanoGPT's, so what it asks for cannot be obeyed",
                where, ErrorText.quote(key.toString())));
      }
    }
  }

  private JambicException refused(String why) {
    return new JambicException(file + ": " + why);
  }

  /** The weights, as GPT-2 has them. */
  private Map<String, StoredTensor> tensors() {
    Map<String, StoredTensor> tensors =
        WeightFiles.withoutWrappers(torch.tensors(root.get("model")));
    tensors.replaceAll((name, tensor) ->
        LINEAR.matcher(name).matches() && tensor.shape().size() == 2
            ? tensor.transposed()
            : tensor);
    return tensors;
  }

  /**
   * The tokenizer as nanoGPT's {@code sample.py} finds it: the vocabulary of the data that the
   * model was trained on, here beside the checkpoint or in {@code data} beside its folder, else
   * GPT-2's if the model is of its size.
   */
  private Optional<Tokenizer> tokenizer(GptConfig config) {
    Path folder = file.toAbsolutePath().getParent();
    return Tokenizer.find(folder)
        .or(() -> data(folder).flatMap(Tokenizer::find))
        .or(() ->
            GPT2_SIZES.contains(config.vocabSize())
                ? Optional.of(BpeTokenizer.gpt2())
                : Optional.empty());
  }

  private Optional<Path> data(Path folder) {
    if (!(root.get("config") instanceof Map<?, ?> settings
        && settings.get("dataset") instanceof String dataset)) {
      return Optional.empty();
    }
    try {
      Path data = folder.resolveSibling("data");
      Path named = data.resolve(dataset).normalize();
      return Optional.of(named).filter(path -> data.equals(path.getParent()));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }
}
