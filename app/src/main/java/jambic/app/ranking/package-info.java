/** Ranks answers of a model: by a function, a reward model, or a person. */
package jambic.app.ranking;
