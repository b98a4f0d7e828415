/**
 * GPT models, their tokenizers and checkpoints.
 *
 * <p>A checkpoint is a folder as Hugging Face lays it out: {@code config.json}, {@code
 * model.safetensors} and {@code tokenizer.json}.
 */
package jambic.model;
