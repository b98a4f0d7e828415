/**
 * GPT models, their tokenizers and checkpoints.
 *
 * <p>{@link jambic.model.gpt.Gpt} is the model and {@link jambic.model.gpt.GptConfig} its shape;
 * {@link jambic.model.gpt.PublishedGpt} has the published ones. A {@link
 * jambic.model.checkpoint.Checkpoint} is a folder as Hugging Face lays it out ({@code config.json},
 * {@code model.safetensors}, {@code tokenizer.json}), and a {@link jambic.model.generate.Generator}
 * lets the model write, an {@link jambic.model.generate.InferenceEngine} for many at a time:
 *
 * {@snippet file="jambic/model/OverviewTest.java" region=write}
 */
package jambic.model;
