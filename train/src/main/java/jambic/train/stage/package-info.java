/**
 * What the stages of alignment share: their runs, passes whose loss the host computes, and
 * supervised fine-tuning, which needs no more. Preferences and policies have packages of their own
 * above.
 */
package jambic.train.stage;
