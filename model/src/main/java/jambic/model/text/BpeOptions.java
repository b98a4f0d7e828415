package jambic.model.text;

/**
 * How a tokenizer differs from GPT-2's.
 *
 * @param addPrefixSpace whether a text begins with a space even if none is there
 * @param ignoreMerges whether a word that is a token needs no merges to become it
 * @param template what it puts around a prompt
 */
record BpeOptions(boolean addPrefixSpace, boolean ignoreMerges, PromptTemplate template) {
  static final BpeOptions GPT2 = new BpeOptions(false, false, PromptTemplate.NONE);
}
