package jambic.model.generate;

import java.util.Optional;

/**
 * A token of a completion.
 *
 * @param id its id
 * @param logProbs how probable the model found it, if that was asked for
 */
public record GeneratedToken(int id, Optional<TokenLogProbs> logProbs) {}
