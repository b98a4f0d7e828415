package jambic.serve.model;

import jambic.model.LanguageModel;
import jambic.model.chat.ChatTemplate;
import jambic.model.generate.GenerationConfig;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A model to serve. Model and tokenizer stay the caller's.
 *
 * @param id what clients call it
 * @param model the model
 * @param tokenizer its tokenizer
 * @param template how conversations are written, if it was fine-tuned for them
 * @param generation how its files want it to be sampled, where a request says nothing
 */
public record ServedModel(
    String id,
    LanguageModel model,
    Tokenizer tokenizer,
    Optional<ChatTemplate> template,
    GenerationConfig generation) {

  /**
   * Checks the values.
   *
   * @throws JambicException if the id is empty, or the tokenizer lacks tokens of the template
   */
  public ServedModel {
    if (id.isBlank()) {
      throw new JambicException("a served model needs an id");
    }
    Objects.requireNonNull(model, "model");
    template.ifPresent(chat -> chat.requireTokens(tokenizer));
  }

  /**
   * A model that goes on with texts.
   *
   * @param id what clients call it
   * @param model the model
   * @param tokenizer its tokenizer
   * @return the model, to refine
   */
  public static ServedModel of(String id, LanguageModel model, Tokenizer tokenizer) {
    return new ServedModel(id, model, tokenizer, Optional.empty(), GenerationConfig.NONE);
  }

  /**
   * The same for conversations.
   *
   * @param chat how they are written
   * @return the model
   */
  public ServedModel withTemplate(ChatTemplate chat) {
    return new ServedModel(id, model, tokenizer, Optional.of(chat), generation);
  }

  /**
   * The same with what its files say of sampling.
   *
   * @param config the defaults of requests
   * @return the model
   */
  public ServedModel withGeneration(GenerationConfig config) {
    return new ServedModel(id, model, tokenizer, template, config);
  }

  /**
   * The tokens that end a text.
   *
   * @return their ids
   */
  public Set<Integer> endTokens() {
    return model.endTokens();
  }
}
