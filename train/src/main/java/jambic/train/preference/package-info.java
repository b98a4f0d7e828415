/**
 * Learning from judgements: reward models and DPO. The losses of reward models (Bradley-Terry), of
 * DPO and its relatives and of KTO, in double precision on the host. A loss takes numbers by row,
 * such as scores or sums of log-probabilities, and gives its derivative with respect to each.
 */
package jambic.train.preference;
