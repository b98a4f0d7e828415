/**
 * GPT models, their tokenizers and checkpoints.
 *
 * <p>{@link jambic.model.Gpt} is the model and {@link jambic.model.GptConfig} its shape; {@link
 * jambic.model.GptFamily} has the published ones. A {@link jambic.model.Checkpoint} is a folder as
 * Hugging Face lays it out ({@code config.json}, {@code model.safetensors}, {@code
 * tokenizer.json}), and a {@link jambic.model.Generator} lets the model write, an {@link
 * jambic.model.InferenceEngine} for many at a time:
 *
 * {@snippet file="jambic/model/OverviewTest.java" region=write}
 */
package jambic.model;
