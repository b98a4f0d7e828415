/**
 * Learning from scores: PPO and GRPO, their arithmetic on log-probabilities, values and rewards by
 * token, in double precision on the host, and the rewards that are functions of text.
 *
 * <p>Numbers by token are those of the answers' tokens alone, one answer behind the other without
 * padding; {@link jambic.train.stage.AnswerTokens} says where each begins.
 */
package jambic.train.policy;
