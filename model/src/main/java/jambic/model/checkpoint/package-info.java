/** Models as files: Hugging Face's layout of GPT-2, PEFT's adapters, nanoGPT's checkpoints. */
package jambic.model.checkpoint;
