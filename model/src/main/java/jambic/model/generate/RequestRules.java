package jambic.model.generate;

import jambic.model.LanguageModel;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;

/**
 * What an engine can serve.
 *
 * @param model the model
 * @param hasTokenizer whether there is text
 * @param positions how many tokens its cache holds
 */
record RequestRules(LanguageModel model, boolean hasTokenizer, int positions) {
  /**
   * Refuses what can never be served.
   *
   * @param before tokens of the session
   * @param candidates how many ids may be chosen
   */
  void require(GenerationRequest request, int before, int candidates) {
    int length = requireLength(request, before);
    model.requireIds(request.prompt());
    if (request.promptLogProbs().isPresent() && length > model.contextLength()) {
      throw new JambicException(
          Text.format(
              "log-probabilities of a prompt need all of it in the context of %d tokens, and there are %d; shorten it",
              model.contextLength(), length));
    }
    if (!request.stop().isEmpty() && !hasTokenizer) {
      throw new JambicException("stop strings need a tokenizer, and the engine has none");
    }
    for (int id : request.sampling().logitBias().keySet()) {
      if (id < 0 || id >= candidates) {
        throw new JambicException(
            Text.format(
                "the logit bias names token id %d, and those to choose from are 0 to %d",
                id, candidates - 1));
      }
    }
    long needed = Math.min(model.contextLength(), (long) length + request.maxNewTokens());
    if (needed > positions) {
      throw new JambicException(
          Text.format(
              "the request needs room for %d tokens and the KV cache has %d in all; ask for fewer new tokens or give the engine more",
              needed, positions));
    }
  }

  /** The tokens to read, those of the session that stay included. */
  private int requireLength(GenerationRequest request, int before) {
    int prompt = request.prompt().length;
    int context = model.contextLength();
    int length = before + prompt;
    if (request.pastContext() == ContextOverflow.DROP_OLDEST_TURNS
        && prompt > 0
        && length > context) {
      length = prompt; // all that has to stay
    }
    if (length == 0) {
      throw new JambicException("a prompt needs at least one token, got an empty one");
    }
    if (request.pastContext() != ContextOverflow.CROP && length > context) {
      throw new JambicException(
          Text.format(
              "the prompt has %d tokens%s and the model's context %d; %s",
              prompt,
              length > prompt ? " after " + before + " of the session" : "",
              context,
              length > prompt
                  ? "use withPastContext(ContextOverflow.DROP_OLDEST_TURNS), or begin a new conversation"
                  : "shorten it"));
    }
    return length;
  }
}
