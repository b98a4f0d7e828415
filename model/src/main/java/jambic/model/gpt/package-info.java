/** The decoder-only Transformer of GPT-2, nanoGPT and the "Let's build GPT" lecture. */
package jambic.model.gpt;
